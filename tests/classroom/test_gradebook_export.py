"""The nbgrader gradebook, read back by nbgrader itself."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from autograder.classroom.execution.records import Record
from autograder.classroom.intake.roster import Student
from autograder.classroom.output.gradebook import (
    COURSE_ID,
    NOTEBOOK,
    assignment_name,
    write_gradebook,
)
from autograder.classroom.policy.summary import Grade, grade_of
from bootcamp.course.manifest import Manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError
from tests.classroom.conftest import DUE, POLICY

MakeRecord = Callable[..., Record]


@pytest.fixture
def grades(record: MakeRecord, manifest: Manifest) -> tuple[Grade, ...]:
    def grade(student: Student, **facts: object) -> Grade:
        return grade_of(student, POLICY, manifest, **{"handed_in": True, **facts})  # type: ignore[arg-type]

    failed = record("ben", {"1.3": Outcome.FAILED, "1.5": Outcome.FAILED})
    return (
        grade(Student("anna", "Alt, Anna", bonus=0.5), record=record(), submitted=DUE),
        grade(Student("ben", "=1+1"), record=failed, submitted=DUE + timedelta(hours=1)),
        grade(Student("cleo"), handed_in=False),
        grade(
            Student("dora", bonus=0.5), record=record("dora"), submitted=DUE + timedelta(hours=1)
        ),
        grade(Student("emil"), refused="it holds no homework"),
        grade(Student("finn"), record=record("finn", {"1.4": Outcome.GRADER_ERROR})),
    )


def opened(path: Path) -> Any:
    """The gradebook, as nbgrader opens it: a context manager."""
    from nbgrader.api import Gradebook  # a second of CPU time for every collection

    return Gradebook(f"sqlite:///{path}", COURSE_ID)


def exported(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """What `nbgrader export` says, by assignment and student."""
    target = path.with_suffix(".csv")
    tool = Path(sys.executable).with_name("nbgrader")
    options = [
        f"--CourseDirectory.db_url=sqlite:///{path}",
        f"--CourseDirectory.course_id={COURSE_ID}",
    ]
    subprocess.run(
        [tool, "export", f"--to={target}", *options],
        cwd=path.parent,
        check=True,
        capture_output=True,
    )
    with target.open(newline="") as file:
        return {(row["assignment"], row["student_id"]): row for row in csv.DictReader(file)}


@pytest.mark.filterwarnings(
    "ignore:Object of type"
)  # nbgrader's, in the lines that stand in for it
@pytest.mark.long
def test_homework_stands_beside_a_notebook_in_one_gradebook(
    grades: tuple[Grade, ...], manifest: Manifest, week: Week, tmp_path: Path
) -> None:
    path, name = tmp_path / "gradebook.db", assignment_name(week)
    write_gradebook(path, week, manifest, POLICY, grades)
    with opened(path) as book:  # as `nbgrader autograde` leaves it
        book.add_assignment(week.name)
        book.add_notebook("check", week.name)
        book.add_grade_cell("q01", "check", week.name, max_score=4, cell_type="code")
        book.add_submission(week.name, "anna")
        book.find_grade("q01", "check", week.name, "anna").auto_score = 3.0
        book.db.commit()
    write_gradebook(path, week, manifest, POLICY, grades)  # again: nothing doubles

    rows = exported(path)
    anna, ben, cleo = (rows[name, student] for student in ("anna", "ben", "cleo"))
    assert float(rows[week.name, "anna"]["score"]) == 3.0
    assert [float(row["max_score"]) for row in (anna, ben)] == [7.0, 7.0]
    assert float(anna["score"]) == grades[0].final == 10.5
    assert float(ben["raw_score"]) == grades[1].score == 5.0
    assert float(ben["late_submission_penalty"]) == 0.5
    assert float(ben["score"]) == grades[1].final == 4.5
    # Lateness takes a tenth of what was earned, extra items too, and nothing of the bonus.
    dora = rows[name, "dora"]
    assert float(dora["raw_score"]) == 7.0 + 3.0 + 0.5
    assert float(dora["late_submission_penalty"]) == 1.0
    assert float(dora["score"]) == grades[3].final == 9.5
    assert float(rows[name, "emil"]["score"]) == grades[4].final == 0.0
    # Its CSV shows 0.0 for a student without a submission, too: only the moment is blank there.
    assert (cleo["score"], cleo["timestamp"]) == ("0.0", "")
    assert anna["timestamp"].startswith("2026-11-27 23:00")
    with opened(path) as book:
        recorded = {one.student.id for one in book.assignment_submissions(name)}
        assert recorded == {"anna", "ben", "dora", "emil"}  # who is missing or not graded is blank
        assert not any(one.needs_manual_grade for one in book.assignment_submissions(name))
        extra = book.find_grade("1.5", NOTEBOOK, name, "dora")
        assert (extra.auto_score, extra.extra_credit, extra.max_score) == (0.0, 3.0, 0.0)

    # A grade that is taken back goes away.
    gone = grade_of(Student("anna"), POLICY, manifest, handed_in=False)
    write_gradebook(path, week, manifest, POLICY, [gone])
    with opened(path) as book:
        assert {one.student.id for one in book.assignment_submissions(name)} == {
            "ben",
            "dora",
            "emil",
        }
        assert {one.student.id for one in book.assignment_submissions(week.name)} == {"anna"}


def test_a_file_that_is_no_gradebook_is_an_error_in_words(
    grades: tuple[Grade, ...], manifest: Manifest, week: Week, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("this is no database" * 100)
    with pytest.raises(BootcampError, match="Cannot write the gradebook"):
        write_gradebook(path, week, manifest, POLICY, grades)
    assert path.read_text().startswith("this is no database")
