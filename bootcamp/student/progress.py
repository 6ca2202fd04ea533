"""What a student has done so far: `.bootcamp/progress.json`.

Per item: how its last check ended, the best score, the hints taken, whether the solution was shown.
A week counts as passed while every item's last check passed on exactly the files that are there
now. Once a file changes, later weeks run on the reference again until the week is checked
again, so a layer that was not checked never breaks a later week.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

from bootcamp import paths
from bootcamp.authoring.generate import package_files
from bootcamp.course.manifest import graded_weeks, load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import BootcampError
from bootcamp.files import shown, write_atomic

VERSION = 1
MAX_BYTES = 1_000_000
"""A larger progress file is not ours."""

Answer = TypeVar("Answer")


class ItemProgress(BaseModel):
    """One item. Times are UTC, ISO 8601."""

    outcome: Outcome | None = None
    checked_at: datetime | None = None
    best_score: float = Field(default=0.0, ge=0)
    fingerprint: str = ""
    """The week's files at the last check."""
    hints_by_function: dict[str, Annotated[int, Field(ge=0)]] = {}
    """Steps taken on the ladder of each function."""
    revealed_at: datetime | None = None
    """When the solution was shown before the item had passed."""

    @property
    def all_hints_taken(self) -> int:
        """Count the steps taken on all ladders of the item."""
        return sum(self.hints_by_function.values())


class Progress(BaseModel):
    """The whole file."""

    version: int = VERSION
    items: dict[str, ItemProgress] = {}

    def item(self, item_id: str) -> ItemProgress:
        """Look up the item's progress; a fresh one if there is none."""
        return self.items.get(item_id) or ItemProgress()


def load() -> Progress:
    """Read the progress. A file that cannot be read is put aside, with a message, and not lost.

    Raises:
        BootcampError: the file is a newer version's, or cannot be opened.
    """
    path = _path()
    try:
        try:
            return _parse(path)
        except (ValueError, RecursionError):
            _put_aside(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise BootcampError(
            f"Cannot read {shown(path)}: {error.strerror or error}.",
            "Check that the file is yours, or move it away.",
        ) from error
    return Progress()


def record(result: Mapping[str, Any], taken: str | None = None) -> None:
    """Keep the outcomes of a check: the dict that `check --json` prints.

    Args:
        result: `{"week": 5, "items": [{"id": "5.2", "outcome": "passed", "score": 2.0, …}]}`.
            Items that are not in it keep what they have. A grader error, or a check that this machine
            cannot make, says nothing about the work, so it leaves the item's last outcome.
        taken: `fingerprint(week)` from before the check; without it, the one of now.
    """
    taken = taken or fingerprint(find_week(str(result["week"])))

    def put(progress: Progress) -> None:
        for entry in result["items"]:
            if not Outcome(entry["outcome"]).judged:
                continue
            item = progress.item(entry["id"])
            item.outcome = Outcome(entry["outcome"])
            item.checked_at = datetime.now(UTC)
            item.best_score = max(item.best_score, float(entry["score"]))
            item.fingerprint = taken
            progress.items[entry["id"]] = item

    _update(put)


def passed_weeks() -> set[Week]:
    """Weeks that passed in full on the files that are there now: what `student_layers` takes."""
    progress = load()
    return {week for week in graded_weeks() if _all_passed(week, progress, fingerprint(week))}


def changed_weeks() -> set[Week]:
    """Weeks whose every item passed, on files that have changed since: check them again."""
    progress = load()
    return {
        week
        for week in graded_weeks()
        if _all_passed(week, progress) and not _all_passed(week, progress, fingerprint(week))
    }


def item_passed(item_id: str) -> bool:
    """Whether the item's last check passed."""
    return load().item(item_id).outcome is Outcome.PASSED


def hints_taken(item_id: str, function: str) -> int:
    """Look up how many steps of a function's ladder were taken."""
    return load().item(item_id).hints_by_function.get(function, 0)


def take_hint(item_id: str, function: str, at_most: int, steps: int = 1) -> int:
    """Go `steps` further on a ladder, which has `at_most`. Returns how many are taken now."""

    def put(progress: Progress) -> int:
        item = progress.items.setdefault(item_id, ItemProgress())
        taken = min(item.hints_by_function.get(function, 0) + steps, at_most)
        item.hints_by_function[function] = taken
        return taken

    return _update(put)


def revealed(item_id: str) -> bool:
    """Whether the item's solution was shown before the item had passed."""
    return load().item(item_id).revealed_at is not None


def reveal(item_id: str) -> None:
    """Keep that the item's solution was shown before the item had passed. The first time counts."""

    def put(progress: Progress) -> None:
        item = progress.items.setdefault(item_id, ItemProgress())
        item.revealed_at = item.revealed_at or datetime.now(UTC)

    _update(put)


def fingerprint(week: Week) -> str:
    """Hash every file of the student's week: names and contents."""
    whole = hashlib.sha256()
    for file in package_files(week.exercises):
        try:
            content = (week.exercises / file).read_bytes()
        except OSError:
            content = b""
        whole.update(f"{file.as_posix()}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def _all_passed(week: Week, progress: Progress, taken: str | None = None) -> bool:
    items = [progress.item(item.id) for item in load_manifest(week).items]
    return all(
        item.outcome is Outcome.PASSED and taken in (None, item.fingerprint) for item in items
    )


def _path() -> Path:
    return paths.state_dir() / "progress.json"


def _update(change: Callable[[Progress], Answer]) -> Answer:
    """Read, change, write: one process at a time."""
    with _lock():
        progress = load()
        answer = change(progress)
        write_atomic(_path(), progress.model_dump_json(indent=1).encode() + b"\n")
    return answer


@contextmanager
def _lock() -> Iterator[None]:
    path = _path().with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w")
    except OSError as error:
        raise BootcampError(
            f"Cannot write to {shown(path.parent)}: {error.strerror or error}.",
            "Check that the folder is yours, or set BOOTCAMP_STATE to one that is.",
        ) from error
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _parse(path: Path) -> Progress:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than a progress file gets")
    raw = json.loads(path.read_bytes())
    version = raw.get("version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise BootcampError(
            f"{shown(_path())} was written by a newer version of the course.",
            "Bring the course up to date (git pull --no-rebase), or move the file away.",
        )
    return Progress.model_validate(raw)


def _put_aside(path: Path) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"progress.broken-{stamp}.json")
    path.replace(aside)
    print(
        f"The progress file could not be read. It is kept as {shown(aside)}; "
        "a new one is started.\n"
        "Your work is not touched. Run `bootcamp check` on a week to fill the progress again.",
        file=sys.stderr,
    )
