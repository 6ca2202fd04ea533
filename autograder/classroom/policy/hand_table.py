"""The table of points that a person gives by the week's rubric: a CSV file, read whole or not at all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from autograder.card import clean
from autograder.classroom.intake.names import folded, from_cell, shown
from autograder.classroom.policy.rubric import Criterion, Rubric
from bootcamp.errors import UsageError

COLUMNS = ("student", "criterion", "points", "comment")
INFORMATION = ("name", "maximum")
"""Columns of the template that help the person who fills it in. They are not read."""
CLEAR = "clear"
"""In the column `points`: removes the points that were entered before."""
MAX_TABLE_BYTES = 4 * 1024 * 1024
MAX_COMMENT = 1000
"""Characters. As much as a cell of the template holds."""
MAX_LISTED = 20
"""Errors or changes that are listed."""
_NUMBER = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,2})?")
"""Spreadsheets write `1.5` or `1,5`."""


class Row(NamedTuple):
    """One row of the table. `points` is None where they are to be removed."""

    student: str
    criterion: str
    points: float | None
    comment: str


def read_table(path: Path, rubric: Rubric, students: Iterable[str]) -> tuple[Row, ...]:
    """Read a table of points by hand. Rows without points are left out: they are not graded yet.

    Args:
        path: a CSV file with the columns `student`, `criterion`, `points` and `comment`.
        rubric: the week's.
        students: ids; upper and lower case do not count.

    Raises:
        UsageError: it cannot be read, or rows are wrong: each is named with its line.
    """
    known = {folded(one): one for one in students}
    rows: list[Row] = []
    errors: list[str] = []
    lines: dict[tuple[str, str], int] = {}
    for line, cells in _cells(path):
        try:
            row = _row(cells, rubric, known)
            first = lines.setdefault((row.student, row.criterion), line)
            if first != line:
                raise ValueError(f"line {first} is about the same student and criterion")
        except ValueError as error:
            errors.append(f"line {line}: {error}")
            continue
        if cells["points"]:
            rows.append(row)
    if errors:
        raise UsageError(
            f"The points by hand in {path} have errors:\n  " + "\n  ".join(listed(errors)),
            "No points were entered. Correct these lines, then run the command again.",
        )
    return tuple(rows)


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table with the lines that they start in; cells end at commas or semicolons."""
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise UsageError(f"The table {path} is larger than {MAX_TABLE_BYTES} bytes.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        fix = "Save it as CSV in UTF-8."
        raise UsageError(f"Cannot read the table {path}: {error}.", fix) from None
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    start = 1
    try:
        for row in reader:
            if not header:
                header = _header(row, path)
            elif any(one.strip() for one in row):
                if len(row) != len(header):
                    raise UsageError(
                        f"{path} line {start}: it has {len(row)} cells, and the first line "
                        f"{len(header)}.",
                        f'Put a comment that contains "{delimiter}" in double quotes.',
                    )
                yield start, dict(zip(header, map(str.strip, row), strict=True))
            start = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path} line {start}: {error}.") from None
    if not header:
        raise UsageError(f"The table {path} is empty.")


def _header(row: list[str], path: Path) -> list[str]:
    names = [one.strip().lower() for one in row]
    missing = [one for one in COLUMNS if one not in names]
    odd = [shown(one) for one in names if one not in COLUMNS + INFORMATION or names.count(one) > 1]
    if missing or odd:
        what = f"missing: {', '.join(missing)}" if missing else f"unknown or twice: {odd}"
        raise UsageError(
            f"{path} line 1: its columns are wrong, {what}.",
            f"It needs the columns {', '.join(COLUMNS)}. --hand-grades-template writes such a file.",
        )
    return names


def _row(cells: Mapping[str, str], rubric: Rubric, known: Mapping[str, str]) -> Row:
    """One row.

    Raises:
        ValueError: it is wrong; says how.
    """
    student = known.get(folded(from_cell(cells["student"])))
    if student is None:
        raise ValueError(f"there is no student {shown(cells['student'])!r} in this class")
    found = [one for one in rubric.criteria if one.id == cells["criterion"]]
    if not found:
        ids = ", ".join(one.id for one in rubric.criteria)
        name = shown(cells["criterion"])
        raise ValueError(f"there is no criterion {name!r}; the rubric has: {ids}")
    comment = from_cell(cells["comment"])
    if len(comment) > MAX_COMMENT:
        raise ValueError(f"the comment is longer than {MAX_COMMENT} characters")
    if comment and not cells["points"]:
        raise ValueError(f"a comment without points; write points too, or `{CLEAR}`")
    return Row(student, found[0].id, _points(cells["points"], found[0]), clean(comment))


def _points(text: str, criterion: Criterion) -> float | None:
    """The points of a cell; None for an empty one, and for the word that removes points."""
    if text.lower() in ("", CLEAR):
        return None
    if not _NUMBER.fullmatch(text):
        most = f"{criterion.max_points:g}"
        raise ValueError(f"{shown(text)!r} is not a number of points from 0 to {most}")
    points = float(text.replace(",", "."))
    if points > criterion.max_points:
        most = f"{criterion.max_points:g}"
        raise ValueError(f"{points:g} points are more than the maximum of {criterion.id}, {most}")
    return points


def listed(lines: list[str]) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - MAX_LISTED
    return lines[:MAX_LISTED] + ([f"  and {more} more"] if more > 0 else [])
