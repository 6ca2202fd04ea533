"""Back to the start: a week's exercises as they were handed out, and a backup of what was there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bootcamp.authoring.generate import apply, package_files, scaffolds
from bootcamp.course.weeks import Week
from bootcamp.files import back_up


@dataclass(frozen=True)
class Reset:
    """What a reset does. Paths are relative to the week's exercises."""

    week: Week
    wanted: dict[Path, bytes]
    write: tuple[Path, ...]
    """Files that get their first content back."""
    remove: tuple[Path, ...]
    """Files of the student's own, which the week was not handed out with."""

    @property
    def lost(self) -> tuple[Path, ...]:
        """Files that exist now and will not exist as they are: what the backup holds."""
        present = (file for file in self.write if (self.week.exercises / file).exists())
        return (*present, *self.remove)

    def __bool__(self) -> bool:
        return bool(self.write or self.remove)


def plan_reset(week: Week, only: Collection[str] = ()) -> Reset:
    """Plan what resets the week, or `only` some of its files ("pipeline/producer.py").

    Raises:
        BootcampError: a mark in the solution is wrong.
    """
    wanted = scaffolds(week)
    chosen = {Path(file) for file in only}
    write = [
        file
        for file, content in wanted.items()
        if (not chosen or file in chosen) and not _holds(week.exercises / file, content)
    ]
    present = package_files(week.exercises)
    remove = [] if chosen else [file for file in present if file not in wanted]
    return Reset(week, wanted, tuple(write), tuple(remove))


def run_reset(plan: Reset) -> Path | None:
    """Back up, then reset. Returns the backup's folder, None if nothing was there to back up.

    Raises:
        BootcampError: the backup failed, and nothing was changed, or a file cannot be written.
    """
    backup = back_up(plan.week.exercises, plan.lost) if plan.lost else None
    apply(plan.week, plan.wanted, plan.write, plan.remove)
    return backup


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.is_file() and path.read_bytes() == content
    except OSError:
        return False
