"""What a person gives: points by the week's rubric, comments, other points; and the file that keeps it.

They are kept apart from the results of the graders, so grading again never touches them.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from autograder.classroom.intake.names import shown
from autograder.classroom.intake.tables import listed
from autograder.classroom.policy.hand_table import OVERALL, Targets, read_table
from autograder.classroom.policy.rubric import Criterion, Rubric
from bootcamp.errors import BootcampError, UsageError
from bootcamp.files import write_atomic

KEPT = "hand_grades.json"
"""In the output folder. One file, so that a table is entered completely or not at all."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mark(_Strict):
    """What a person gave one student for one criterion, or for one item in place of its points."""

    student: str
    criterion: str
    points: float | None
    """None for a comment alone."""
    comment: str = ""
    by: str = ""
    """Who gave it; empty in files of earlier versions."""
    entered_at: datetime
    """When these points and this comment were first entered, in UTC."""


class _Kept(_Strict):
    week: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class HandPoints:
    """One student's points by hand."""

    rubric: Rubric
    marks: Mapping[str, Mark]
    """By criterion. A criterion that is not here is not graded yet, which is not zero."""

    @property
    def rows(self) -> tuple[tuple[Criterion, Mark | None], ...]:
        """Every criterion, and what was given for it."""
        return tuple((one, self.marks.get(one.id)) for one in self.rubric.criteria)

    @property
    def total(self) -> float | None:
        """The sum. None until every criterion is graded."""
        points = [mark.points for _, mark in self.rows if mark and mark.points is not None]
        return round(sum(points), 2) if len(points) == len(self.rubric.criteria) else None

    def to_json(self) -> dict[str, Any]:
        """Points and comments for `grades.json`; null where nothing is graded yet."""
        return {
            "points": self.total,
            "max_points": self.rubric.max_points,
            "criteria": {
                one.id: {"points": mark.points, "comment": mark.comment} if mark else None
                for one, mark in self.rows
            },
        }


class ByHand:
    """The hand-graded points of a class: those kept in `out`, and a new table, if there is one.

    Args:
        targets: the week's rubric, if it has one, and its items.
        week: the week's name.
        out: the output folder of the class.
        table: a CSV file of points to enter, or None.
        students: ids, by what a table may call them: see `read_table`.

    Raises:
        UsageError: the table is wrong. Nothing is written then.
    """

    def __init__(
        self,
        targets: Targets,
        week: str,
        out: Path,
        table: Path | None,
        students: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.rubric = targets.rubric
        self.targets = targets
        self.report: tuple[str, ...] = ()
        """What `enter` did, for the person who called it."""
        self._week, self._path = week, out / KEPT
        self._rows = read_table(table, targets, students, user()) if table else ()
        self._marks: dict[tuple[str, str], Mark] = {}

    def load(self) -> None:
        """Read the points that are kept.

        Raises:
            BootcampError: the file is damaged. It is never taken for an empty one.
        """
        if not self._path.exists():
            return
        try:
            kept = _Kept.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError) as error:
            raise BootcampError(
                f"Cannot read the points by hand in {self._path}: {error}",
                "Restore the file from a copy, or remove it and enter the points again.",
            ) from None
        if kept.week != self._week:
            raise UsageError(f"{self._path} holds the points by hand of {kept.week}.")
        self._marks = {(one.student, one.criterion): one for one in kept.marks}

    def enter(self, *, keep: bool = True) -> None:
        """Add the table's points to those that are kept: all of them in one step.

        Args:
            keep: write them. Otherwise they count in this run only.

        Raises:
            BootcampError: see `load`, or the file cannot be written.
        """
        self.load()
        marks, changes, new = dict(self._marks), [], 0
        for row in self._rows:
            key = (row.student, row.criterion)
            before = marks.get(key)
            points = row.points
            if before and points is None and not row.clear:
                points = before.points  # a new comment, and the points stay
            if (before.points, before.comment) == (points, row.comment) if before else row.clear:
                continue
            if before:
                changes.append(_change(before, points))
            new += before is None
            marks.pop(key, None)
            if not row.clear:
                marks[key] = Mark(
                    student=row.student,
                    criterion=row.criterion,
                    points=points,
                    comment=row.comment,
                    by=row.by,
                    entered_at=datetime.now(UTC),
                )
        if marks != self._marks and keep:
            kept = _Kept(week=self._week, marks=tuple(marks[key] for key in sorted(marks)))
            write_atomic(self._path, kept.model_dump_json(indent=1).encode())
        if self._rows:
            first = f"Points by hand: {new} new, {len(changes)} changed, {len(marks)} in all."
            self.report = (first, *listed(changes))
        self._marks = marks

    def of(self, student: str) -> HandPoints | None:
        """A student's points; None in a week without a rubric."""
        if self.rubric is None:
            return None
        return HandPoints(self.rubric, self.marks(student))

    def marks(self, student: str) -> dict[str, Mark]:
        """All that was given to a student, by criterion and item."""
        return {one.criterion: one for one in self._marks.values() if one.student == student}

    def remarks(self, student: str) -> dict[str, Mark]:
        """A student's comments and other points, by item, and the comment on the whole work."""
        known = (*self.targets.items, OVERALL)
        return {name: mark for name, mark in self.marks(student).items() if name in known}

    def problems(self) -> tuple[str, ...]:
        """Points that do not fit rubric and items, because they changed after the points were entered."""
        found = []
        for mark in self._marks.values():
            given = "a comment" if mark.points is None else f"{mark.points:g} points"
            who = f"{shown(mark.student)} has {given} by hand for {mark.criterion}"
            try:
                most = self.targets.most(mark.criterion)
            except ValueError:
                found.append(f"{who}, which the rubric does not have: they are not shown")
                continue
            if mark.points is not None and mark.points > most:
                found.append(f"{who}, which is more than the maximum {most:g}")
        return tuple(found)

    def without_effect(self, students: Iterable[str]) -> tuple[str, ...]:
        """Points for items of students without a graded submission: there is nothing to change."""
        found = []
        for student in students:
            marks = self.remarks(student)
            if names := [name for name, mark in marks.items() if mark.points is not None]:
                found.append(
                    f"{shown(student)}: points by hand for {', '.join(names)} do not count, because no "
                    "submission was graded; the roster's `bonus` can give points"
                )
        return tuple(found)


def _change(before: Mark, after: float | None) -> str:
    old, new = ("none" if one is None else f"{one:g}" for one in (before.points, after))
    what = f"{old} → {new} points" if old != new else "the comment"
    return f"  changed: {shown(before.student)}, {before.criterion}: {what}"


def user() -> str:
    """The name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may have no name for its user
        return "somebody"
