"""The mapping file: whose a submission is, where its name does not say so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from autograder.classroom.intake.names import folded, from_cell, shown
from autograder.classroom.intake.roster import Roster, Student
from autograder.classroom.intake.tables import Head, listed, read_cells
from bootcamp.errors import UsageError

COLUMNS = ("submission", "student")


def load_mapping(path: Path | None, roster: Roster | None) -> Mapping[str, tuple[Student, ...]]:
    """Read a mapping: the students of each submission, by the submission's folded name.

    A submission in several rows belongs to all of their students. Names are compared with what was
    found, and never opened as paths.

    Args:
        path: a CSV file with the columns `submission` and `student`; None: no mapping.
        roster: the class; the column `student` holds ids or e-mail addresses of it.

    Raises:
        UsageError: there is no roster, the file cannot be read, or rows are wrong: each is named with
            its line.
    """
    if path is None:
        return {}
    if roster is None:
        raise UsageError("--mapping needs --roster, which says who the students are.")
    students = roster.students
    known = {folded(one.email): one for one in students if one.email}
    known |= {folded(one.id): one for one in students}
    found: dict[str, list[Student]] = defaultdict(list)
    errors = []
    for line, cells in read_cells(path, Head(COLUMNS, COLUMNS)):
        name = from_cell(cells["submission"]).rstrip("/")
        student = known.get(folded(from_cell(cells["student"])))
        if not name:
            errors.append(f"line {line}: there is no name of a submission")
        elif student is None:
            errors.append(f"line {line}: nobody in the roster is {shown(cells['student'])!r}")
        elif student in found[folded(name)]:
            errors.append(f"line {line}: {shown(name)} and {shown(student.id)} stand here twice")
        else:
            found[folded(name)].append(student)
    if errors:
        raise UsageError(
            f"The mapping {path} has errors:\n  " + "\n  ".join(listed(errors)),
            "Correct these lines, then run the command again. Nothing was graded.",
        )
    return {name: tuple(people) for name, people in found.items()}
