"""Deletes a student from the output folders of a class."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from autograder.classroom.intake.names import cell, file_stem, shown
from autograder.classroom.output.exports import table
from bootcamp.errors import BootcampError
from bootcamp.files import write_atomic

OWN = (
    "taken/{}", "results/{}.json", "earlier/{}", "reports/{}.html", "feedback/{}.md",
    "exports/gradescope/{}", "exports/classroom50/{}.json",
    "proposed/taken/{}", "proposed/results/{}.json", "proposed/earlier/{}",
    "submitted/{}", "autograded/{}", "feedback/{}",
)  # fmt: skip
"""Files and folders of one student; the last three are nbgrader's."""
TABLES = ("scores.csv", "notebooks.csv", "exports/*.csv")
ID_COLUMNS = frozenset({"id", "student", "SIS User ID", "SIS Login ID", "ID number"})
GRADEBOOK = "gradebook.db"


def delete_records(out: Path, student: str) -> tuple[str, ...]:
    """Delete a student from an output folder, or from the folder of late days.

    Pages of the whole class that name students are deleted: the next run writes them again.

    Args:
        out: the folder.
        student: the id, as the roster has it.

    Returns:
        What was deleted or changed, relative to `out`; empty if nothing of the student was there.

    Raises:
        BootcampError: a file cannot be read or written.
    """
    stem = file_stem(student)
    found = [name.format(stem) for name in OWN]
    found = [name for name in found if (out / name).exists() or (out / name).is_symlink()]
    for name in found:
        path = out / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    found += [
        path.relative_to(out).as_posix() for path in _tables(out) if _without_rows(path, student)
    ]
    for name, change in _JSON.items():
        for path in sorted(out.glob(name)):
            if _rewrite(path, student, change):
                found.append(path.relative_to(out).as_posix())
    if (out / GRADEBOOK).is_file() and _from_gradebook(out / GRADEBOOK, {student, stem}):
        found.append(GRADEBOOK)
    if found and (out / "class.html").exists():
        (out / "class.html").unlink()
        found.append("class.html")
    return tuple(found)


def _tables(out: Path) -> Iterator[Path]:
    for pattern in TABLES:
        yield from sorted(out.glob(pattern))


def _without_rows(path: Path, student: str) -> bool:
    """Remove the rows that have the id in a column of ids."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    columns = [place for place, name in enumerate(rows[0] if rows else ()) if name in ID_COLUMNS]
    stems = {str(cell(student)), file_stem(student)}
    kept = [row for row in rows if not stems & {row[one] for one in columns if one < len(row)}]
    if len(kept) == len(rows):
        return False
    write_atomic(path, table(kept).encode("utf-8", "replace"))
    return True


def _rewrite(path: Path, student: str, change: Callable[[Any, str], Any]) -> bool:
    try:
        before = json.loads(path.read_bytes())
        after = change(before, student)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BootcampError(f"Cannot read {path}: {error}", "Restore it, or remove it.") from None
    if after == before:
        return False
    write_atomic(path, json.dumps(after, indent=1).encode())
    return True


def _grades(data: Any, student: str) -> Any:
    stems = {student, file_stem(student)}
    students = [one for one in data["students"] if one["id"] not in stems]
    changes = [one for one in data.get("changes", ()) if one["student"] != student]
    about = [one for one in data["problems"] if shown(student) not in one]
    known = {"students": students, "problems": about}
    return {**data, **known, **({"changes": changes} if "changes" in data else {})}


def _history(data: Any, student: str) -> Any:
    kept = [
        {**one, "changes": [each for each in one["changes"] if each["student"] != student]}
        for one in data
    ]
    return [one for one in kept if one["changes"]]


def _marks(data: Any, student: str) -> Any:
    return {**data, "marks": [one for one in data["marks"] if one["student"] != student]}


def _canvas(data: Any, student: str) -> Any:
    key = f"sis_user_id:{student}"
    return {"grade_data": {name: one for name, one in data["grade_data"].items() if name != key}}


def _days(data: Any, student: str) -> Any:
    return {name: days for name, days in data.items() if name != student}


_JSON: dict[str, Callable[[Any, str], Any]] = {
    "grades.json": _grades,
    "notebooks.json": _grades,
    "changes.json": _history,
    "hand_grades.json": _marks,
    "exports/canvas.json": _canvas,
    "week*.json": _days,
}


def _from_gradebook(path: Path, students: set[str]) -> bool:
    from nbgrader.api import Gradebook, MissingEntry

    from autograder.classroom.output.gradebook import COURSE_ID

    found = False
    with Gradebook(f"sqlite:///{path.resolve()}", COURSE_ID) as book:
        for student in students:
            try:
                book.remove_student(student)
                found = True
            except MissingEntry:
                continue
    if found:
        with closing(sqlite3.connect(path)) as database:
            database.execute("VACUUM")  # free pages of the file would keep the name
    return found
