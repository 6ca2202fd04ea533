"""What a run of a class starts from: options, the output folder, and a student's submission."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autograder.classroom.intake.allow_list import Intake
from autograder.classroom.intake.matching import Match
from bootcamp.errors import StackError, UsageError
from bootcamp.stack.state import StateFolder, make_private


@dataclass(frozen=True)
class Options:
    """What the instructor asks for."""

    submissions: Path
    out: Path
    roster: Path | None = None
    policy: Path | None = None
    revision: str = ""
    """Read git repositories at this commit, branch or tag."""
    seed: int | None = None
    regrade: tuple[str, ...] = ()
    """Ids of students or items."""
    hand_grades: Path | None = None
    """A table of points by hand to enter."""
    mapping: Path | None = None
    """A table of submissions and their students."""
    dry_run: bool = False
    """Grade into `proposed/` and say what would change; the next run takes over these results."""


@dataclass(frozen=True)
class Entry:
    """A student and what was taken of the submission."""

    match: Match
    intake: Intake | None

    @property
    def id(self) -> str:
        return self.match.student.id

    @property
    def holder(self) -> str:
        """The id under which it is graded: of several students with one submission, the first's."""
        return self.match.holder or self.id

    @property
    def submitted(self) -> datetime | None:
        """The roster's word, else the source's, else the newest file's; None if that is unclear."""
        hand_in = self.match.hand_in
        known = self.match.student.submitted or (hand_in.submitted if hand_in else None)
        if known or self.unclear:
            return known
        return self.intake.modified if self.intake else None

    @property
    def unclear(self) -> str:
        """Why nobody knows when it came, though its source says something."""
        hand_in, told = self.match.hand_in, self.match.student.submitted
        return hand_in.unclear if hand_in and not told else ""


@contextmanager
def output_folder(out: Path) -> Iterator[None]:
    """Take the output folder for one run.

    Raises:
        UsageError: another run has it.
    """
    try:
        folder = StateFolder(make_private(out))
    except StackError:
        raise UsageError(f"Another run is writing to {out}.") from None
    try:
        yield
    finally:
        folder.close()
