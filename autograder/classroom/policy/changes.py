"""What changed since the last run: whose points, from what to what, and which items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from autograder.classroom.intake.names import shown
from bootcamp.errors import BootcampError

HISTORY = "changes.json"
"""In the output folder: the changes of every run that had any, oldest first."""
BLANK = "blank"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Change(_Strict):
    """One student's points before and after a run. None: no points were recorded."""

    student: str
    before: float | None
    after: float | None
    items: tuple[str, ...] = ()
    """Items that ended differently, such as `1.3 failed → passed`."""

    @property
    def text(self) -> str:
        """The change as one line."""
        old, new = (BLANK if one is None else f"{one:g}" for one in (self.before, self.after))
        items = f" ({', '.join(self.items)})" if self.items else ""
        return f"{shown(self.student)}: {old} → {new}{items}"


class Batch(_Strict):
    """The changes of one run."""

    at: datetime
    changes: tuple[Change, ...]


_BATCHES = TypeAdapter(tuple[Batch, ...])


def compare(before: Mapping[str, Any], students: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Compare the `grades.json` of the last run with the students' lines of this one.

    A student who is not in both is not listed: without old points nothing has changed.
    """
    known = {one["id"]: one for one in before.get("students", ())}
    found = []
    for new in students:
        old = known.get(new["id"])
        if old is None:
            continue
        items = tuple(
            f"{name} {old['items'][name]} → {outcome}"
            for name, outcome in new["items"].items()
            if old["items"].get(name, outcome) != outcome
        )
        if items or _points(old) != _points(new):
            after = _points(new)
            found.append(Change(student=new["id"], before=_points(old), after=after, items=items))
    return tuple(found)


def _points(line: Mapping[str, Any]) -> float | None:
    final = line.get("final")
    return None if final is None else float(final)


def load_history(out: Path) -> tuple[Batch, ...]:
    """Read the changes of all runs.

    Raises:
        BootcampError: the file is damaged. It is never taken for an empty one.
    """
    path = out / HISTORY
    try:
        return _BATCHES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        raise BootcampError(
            f"Cannot read the changes of earlier runs in {path}: {error}",
            "Restore the file from a copy, or remove it to start a new history.",
        ) from None


def with_changes(
    history: tuple[Batch, ...], changes: tuple[Change, ...], now: datetime | None = None
) -> tuple[Batch, ...]:
    """The history with the changes of this run, if there are any."""
    batch = Batch(at=now or datetime.now(UTC), changes=changes)
    return (*history, batch) if changes else history


def dump(history: tuple[Batch, ...]) -> str:
    """The history as the file holds it."""
    return json.dumps(_BATCHES.dump_python(history, mode="json"), indent=1)
