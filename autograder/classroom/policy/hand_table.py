"""The table of what a person gives: points by the week's rubric, comments on items, other points for
an item. A CSV file, read whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from autograder.card import clean
from autograder.classroom.intake.names import folded, from_cell, shown
from autograder.classroom.intake.tables import Head, listed, read_cells
from autograder.classroom.policy.rubric import Rubric
from bootcamp.errors import UsageError

COLUMNS = ("student", "criterion", "points", "comment")
BY = "by"
"""A column that a table may have: who gave this. Otherwise it is the user who runs the command."""
INFORMATION = ("name", "maximum")
"""Columns of the template that help the person who fills it in. They are not read."""
OVERALL = "overall"
"""In the column `criterion`: a comment on the whole work, without points."""
CLEAR = "clear"
"""In the column `points`: removes the points that were entered before."""
MAX_COMMENT = 1000
"""Characters. As much as a cell of the template holds."""
_NUMBER = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,2})?")
"""Spreadsheets write `1.5` or `1,5`."""


@dataclass(frozen=True)
class Targets:
    """What a row may be about."""

    rubric: Rubric | None
    items: Mapping[str, float]
    """Points of each item of the week that has points."""

    def most(self, name: str) -> float:
        """The points that a criterion or an item has at most.

        Raises:
            ValueError: there is none of that name.
        """
        criteria = {one.id: one.max_points for one in (self.rubric.criteria if self.rubric else ())}
        known = {**criteria, **self.items, OVERALL: 0.0}
        if name not in known:
            has = (
                f"the rubric has: {', '.join(criteria)}" if criteria else "this week has no rubric"
            )
            items = f"the items are: {', '.join(self.items)}, and `{OVERALL}`"
            raise ValueError(f"there is no criterion {shown(name)!r}; {has}; {items}")
        return known[name]


class Row(NamedTuple):
    """One row of the table. `points` is None for a comment alone; `clear` removes what was entered."""

    student: str
    criterion: str
    points: float | None
    comment: str
    by: str
    clear: bool = False


def read_table(
    path: Path, targets: Targets, students: Mapping[str, tuple[str, ...]], user: str
) -> tuple[Row, ...]:
    """Read a table of points by hand. Rows without points and comment are left out: not graded yet.

    Args:
        path: a CSV file with the columns `student`, `criterion`, `points` and `comment`.
        targets: what rows may be about.
        students: ids by what the column `student` may hold: an id, a code, or a group's name, folded.
        user: who gave what has no name in the column `by`.

    Raises:
        UsageError: it cannot be read, or rows are wrong: each is named with its line.
    """
    rows: list[Row] = []
    errors: list[str] = []
    lines: dict[tuple[str, str], int] = {}
    head = Head(COLUMNS, (*COLUMNS, BY, *INFORMATION), "--hand-grades-template writes such a file.")
    for line, cells in read_cells(path, head):
        try:
            row = _row(cells, targets, user)
            people = students.get(folded(row.student))
            if people is None:
                raise ValueError(f"there is no student {shown(row.student)!r} in this class")
            for one in people:
                first = lines.setdefault((one, row.criterion), line)
                if first != line:
                    raise ValueError(f"line {first} is about the same student and criterion")
        except ValueError as error:
            errors.append(f"line {line}: {error}")
            continue
        if cells["points"] or row.comment:
            rows += [row._replace(student=one) for one in people]
    if errors:
        raise UsageError(
            f"The points by hand in {path} have errors:\n  " + "\n  ".join(listed(errors)),
            "No points were entered. Correct these lines, then run the command again.",
        )
    return tuple(rows)


def _row(cells: Mapping[str, str], targets: Targets, user: str) -> Row:
    """One row.

    Raises:
        ValueError: it is wrong; says how.
    """
    student = from_cell(cells["student"])
    name = cells["criterion"]
    most = targets.most(name)
    comment = from_cell(cells["comment"])
    if len(comment) > MAX_COMMENT:
        raise ValueError(f"the comment is longer than {MAX_COMMENT} characters")
    clear = cells["points"].lower() == CLEAR
    if cells["points"] and not clear and name == OVERALL:
        raise ValueError(f"`{OVERALL}` has no points; write a comment only")
    points = None if clear or not cells["points"] else _points(cells["points"], name, most)
    if comment and not cells["points"] and name not in (*targets.items, OVERALL):
        raise ValueError(f"a comment without points; write points too, or `{CLEAR}`")
    if points is not None and name in targets.items and not comment:
        raise ValueError(f"other points for item {name} without a reason; write it as the comment")
    by = shown(from_cell(cells.get(BY, ""))) or user
    return Row(student, name, points, clean(comment), by, clear)


def _points(text: str, name: str, most: float) -> float:
    """The points of a cell."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{shown(text)!r} is not a number of points from 0 to {most:g}")
    points = float(text.replace(",", "."))
    if points > most:
        raise ValueError(f"{points:g} points are more than the maximum of {name}, {most:g}")
    return points
