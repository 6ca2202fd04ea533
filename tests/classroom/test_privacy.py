"""Grading by hand without names, and the deletion of a student."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.pool import RunJobs
from autograder.classroom.output.deletion import delete_records
from autograder.classroom.output.gradebook import write_gradebook
from autograder.classroom.policy.codes import codes
from autograder.classroom.policy.similarity import Cluster
from bootcamp.cli.grade_class import delete_student
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError

ROSTER = (
    "id,name,email,group\nanna,Anna Alt,anna@example.org,red\n"
    "ben,Ben Bär,ben@example.org,red\ncleo,Cleo,cleo@x.org,\n"
)


@pytest.fixture
def run(
    week: Week, folder: Callable[..., Path], homework: dict[str, bytes], answers: Callable[..., RunJobs],
    tmp_path: Path,
) -> Callable[..., Assignment]:  # fmt: skip
    """Grade a group and a student without a grader, and publish."""
    for name in ("anna", "cleo"):
        folder(f"submissions/{name}", dict(homework))
    (tmp_path / "roster.csv").write_text(ROSTER)

    def do(outcomes: dict[str, dict[str, Outcome]] | None = None, **options: Any) -> Assignment:
        asked = Options(
            tmp_path / "submissions", tmp_path / "grades", tmp_path / "roster.csv", **options
        )
        assignment = Assignment(week, asked)
        with assignment.held():
            list(assignment.grade(assignment.tasks(), answers(outcomes), 1, 0))
            assignment.publish(assignment.grades())
        return assignment

    return do


def test_codes_need_the_secret_and_stay_the_same() -> None:
    known = codes(["anna", "ben"], "secret")
    assert known == codes(["ben", "anna"], "secret")
    assert not set(known.values()) & set(codes(["anna", "ben"], "other").values())
    assert all(len(code) == 8 and code.isalnum() for code in known.values())


def test_graders_see_codes_and_their_table_reaches_the_students(
    run: Callable[..., Assignment], tmp_path: Path
) -> None:
    assignment = run({"anna": {"1.3": Outcome.FAILED}})
    place = tmp_path / "for graders"
    assignment.write_anonymous(place, [Cluster(("anna", "cleo"), 0.9, 1.0)])
    code = assignment.codes()["anna"]
    assert (place / code / "homework/pipeline/producer.py").is_file()
    assert "1.3" in (place / code / "cards.md").read_text()
    assert sorted(one.name for one in place.iterdir()) == sorted(
        [code, assignment.codes()["cleo"], "hand.csv", "alike.txt"]
    )
    everything = "".join(
        one.read_text() for one in place.rglob("*") if one.suffix in (".md", ".csv", ".txt")
    )
    for name in ("anna", "Anna", "ben", "Ben", "cleo", "Cleo", "example.org"):
        assert name not in everything
    assert code in (place / "alike.txt").read_text()
    with pytest.raises(UsageError, match="is not overwritten"):
        assignment.write_anonymous(place, ())

    table = (place / "hand.csv").read_text(encoding="utf-8-sig")
    assert f"{code},1.3,,,,2" in table
    (place / "hand.csv").write_text(table.replace(f"{code},1.3,,,", f"{code},1.3,1,half of it,"))
    run(hand_grades=place / "hand.csv")
    students = json.loads((tmp_path / "grades/grades.json").read_text())["students"]
    assert [one["remarks"].get("1.3", {}).get("points") for one in students] == [1.0, 1.0, None]
    assert [one["score"] for one in students] == [9.0, 9.0, 10.0]


def test_a_table_may_name_a_group(run: Callable[..., Assignment], tmp_path: Path) -> None:
    (tmp_path / "hand.csv").write_text("student,criterion,points,comment\nRED,1.3,1,both\n")
    run(hand_grades=tmp_path / "hand.csv")
    students = json.loads((tmp_path / "grades/grades.json").read_text())["students"]
    assert [one["score"] for one in students] == [9.0, 9.0, 10.0]


def test_a_student_is_deleted_everywhere_and_others_stay(
    run: Callable[..., Assignment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "grades"
    (tmp_path / "hand.csv").write_text(
        "student,criterion,points,comment\ncleo,1.3,1,a\nanna,1.3,1,b\n"
    )
    assignment = run()
    run(hand_grades=tmp_path / "hand.csv")  # which changes points
    write_gradebook(
        out / "gradebook.db",
        assignment.week,
        assignment.manifest,
        assignment.policy,
        assignment.grades(),
    )
    days = tmp_path / "late_days"
    days.mkdir()
    (days / "week01_first_task.json").write_text('{"cleo": 1, "anna": 2}')
    delete_student("cleo", [out, days])
    said = capsys.readouterr().out
    for name in (
        "taken/cleo",
        "results/cleo.json",
        "scores.csv",
        "changes.json",
        "gradebook.db",
        "week01_first_task.json",
    ):
        assert name in said
    assert "the roster, the submissions" in said
    for path in (one for place in (out, days) for one in place.rglob("*") if one.is_file()):
        assert b"cleo" not in path.read_bytes()
        assert "cleo" not in str(path.relative_to(tmp_path))
    assert not (out / "class.html").exists()
    rows = list(csv.DictReader(io.StringIO((out / "scores.csv").read_text())))
    assert [one["id"] for one in rows] == ["anna", "ben"]
    assert json.loads((days / "week01_first_task.json").read_text()) == {"anna": 2}
    assert [
        one["criterion"] for one in json.loads((out / "hand_grades.json").read_text())["marks"]
    ] == ["1.3"]
    with pytest.raises(UsageError, match="Nothing of cleo is in"):
        delete_student("cleo", [out, days])
    with pytest.raises(UsageError, match="is no folder"):
        delete_student("cleo", [tmp_path / "nothing"])


def test_an_id_that_is_also_a_section_or_points_deletes_one_row(tmp_path: Path) -> None:
    table = "id,name,section,score\n10,Ten,A,7\nanna,Anna,10,9\nben,Ben,A,10\n"
    (tmp_path / "scores.csv").write_text(table)
    assert delete_records(tmp_path, "10") == ("scores.csv",)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text())))
    assert [one["id"] for one in rows] == ["anna", "ben"]


@pytest.mark.parametrize("name", ["grades", "results", "..", "class", "../submissions/anna"])
def test_no_id_deletes_anything_else(
    run: Callable[..., Assignment], tmp_path: Path, name: str
) -> None:
    run()
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="Nothing of"):
        delete_student(name, [tmp_path / "grades"])
    assert before <= {path for path in tmp_path.rglob("*") if path.is_file()}
