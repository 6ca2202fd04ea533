"""The roster: who is in the class. A CSV file with a row per student."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from autograder.classroom.intake.moments import moment, span
from autograder.classroom.intake.names import folded, shown
from autograder.classroom.intake.tables import delimiter_of, listed, text_of
from bootcamp.errors import UsageError

COLUMNS = (
    "id", "name", "email", "section", "group", "due", "extension", "submitted", "bonus",
    "repository", "commit",
)  # fmt: skip
T = TypeVar("T")


@dataclass(frozen=True)
class Student:
    """A row of the roster."""

    id: str
    name: str = ""
    email: str = ""
    section: str = ""
    group: str = ""
    """Who has the same word here hands in together: one submission counts for all."""
    due: datetime | None = None
    """In place of the class's."""
    extension: timedelta = timedelta(0)
    """On top of the due moment."""
    submitted: datetime | None = None
    """In place of what the submission says of itself."""
    bonus: float = 0.0
    """Points on top, given by hand."""
    repository: str = ""
    """Where a git repository of the student's is: a URL or a path."""
    commit: str = ""
    """The commit, branch or tag to grade; in place of the class's."""


@dataclass(frozen=True)
class Roster:
    """The class, in the file's order."""

    students: tuple[Student, ...]
    ignored: tuple[str, ...] = ()
    """Columns that mean nothing here."""


def load_roster(path: Path, zone: ZoneInfo) -> Roster:
    """Read a roster.

    Raises:
        UsageError: it cannot be read, or rows are wrong: each is named with its line.
    """
    return parse_roster(text_of(path, "roster"), zone, str(path))


def parse_roster(text: str, zone: ZoneInfo, source: str) -> Roster:
    """A roster from its text.

    Raises:
        UsageError: see `load_roster`.
    """
    lines = io.StringIO(text, newline="")
    reader = csv.DictReader(lines, delimiter=delimiter_of(text), strict=True)
    errors: list[str] = []
    students: list[Student] = []
    try:
        header = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if "id" not in header:
            raise UsageError(
                f"{source} line 1: there is no column `id`.",
                f"The first line names the columns; known are: {', '.join(COLUMNS)}.",
            )
        if twice := sorted({name for name in header if name and header.count(name) > 1}):
            raise UsageError(f"{source} line 1: a column stands twice: {', '.join(twice)}.")
        reader.fieldnames = header
        for row in reader:
            if any(row.values()):
                students += _student(row, zone, f"line {reader.line_num}", errors)
    except csv.Error as error:
        errors.append(f"line {reader.line_num}: {error}")
    errors += _clashes(students)
    if errors:
        raise UsageError("\n  ".join([f"The roster {source} has errors:", *listed(errors)]))
    if not students:
        raise UsageError(f"The roster {source} names no students.")
    ignored = tuple(shown(name) for name in header if name not in COLUMNS)
    return Roster(tuple(students), ignored)


def _student(
    row: dict[str, str | None], zone: ZoneInfo, where: str, errors: list[str]
) -> tuple[Student, ...]:
    """The student of a row; what is wrong with it goes to `errors`."""
    if None in row or None in row.values():
        errors.append(f"{where}: it has another number of cells than the first line")
        return ()
    cells = {name: (value or "").strip() for name, value in row.items()}
    if not cells["id"] or "\0" in cells["id"]:
        errors.append(f"{where}: the id is empty" if not cells["id"] else f"{where}: a bad id")
        return ()

    def read(name: str, parse: Callable[[str], T], default: T) -> T:
        try:
            return parse(cells[name]) if cells.get(name) else default
        except ValueError as error:
            errors.append(f"{where}, {name}: {error}")
            return default

    return (
        Student(
            id=cells["id"],
            **{
                key: cells.get(key, "")
                for key in ("name", "email", "section", "group", "repository", "commit")
            },
            due=read("due", lambda text: moment(text, zone), None),
            extension=read("extension", span, timedelta(0)),
            submitted=read("submitted", lambda text: moment(text, zone), None),
            bonus=read("bonus", _points, 0.0),
        ),
    )


def _points(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is no number of points")
    return value


def _clashes(students: list[Student]) -> list[str]:
    """Ids and e-mail addresses that two rows share."""
    errors = []
    for what in ("id", "email"):
        values = [folded(getattr(student, what)) for student in students]
        twice = sorted({value for value in values if value and values.count(value) > 1})
        errors += [f"two rows have the {what} {shown(value)}" for value in twice]
    return errors
