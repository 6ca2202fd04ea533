"""Groups and the mapping file: whose a submission is, and that everybody of a group gets the points."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.pool import RunJobs
from autograder.classroom.intake.mapping import load_mapping
from autograder.classroom.intake.roster import Roster, Student
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError
from tests.classroom.test_intake_git import git

ROSTER = (
    "id,name,email,group,extension,bonus\n"
    "anna,Anna Alt,anna@example.org,red,,\nben,Ben Bär,ben@example.org,red,2d,1\n"
    "cleo,Cleo,cleo@example.org,,,\ndora,Dora,dora@example.org,blue,,\nemil,Emil,,blue,,\n"
)
POLICY = "due = 2026-11-27T23:00:00Z\n[late]\npercent_per_day = 10\n"


@pytest.fixture
def grade(
    week: Week, answers: Callable[..., RunJobs], tmp_path: Path
) -> Callable[..., tuple[dict[str, Any], list[str]]]:
    """Grade submissions without a grader; give the summary and who was graded."""

    def do(
        mapping: str = "", roster: str = ROSTER, **options: Any
    ) -> tuple[dict[str, Any], list[str]]:
        (tmp_path / "roster.csv").write_text(roster)
        (tmp_path / "mapping.csv").write_text(f"submission,student\n{mapping}")
        (tmp_path / "submissions").mkdir(exist_ok=True)
        asked = Options(
            tmp_path / "submissions", tmp_path / "grades", tmp_path / "roster.csv",
            mapping=tmp_path / "mapping.csv" if mapping else None, **options,
        )  # fmt: skip
        graded: list[str] = []
        assignment = Assignment(week, asked)
        with assignment.held():
            run = answers({"anna": {"1.3": Outcome.FAILED}}, graded)
            list(assignment.grade(assignment.tasks(), run, 1, 0))
            return assignment.publish(assignment.grades()), graded

    return do


def statuses(summary: dict[str, Any]) -> dict[str, Any]:
    return {one["id"]: (one["status"], one["final"]) for one in summary["students"]}


def test_one_submission_counts_for_each_member(
    grade: Callable[..., Any],
    folder: Callable[..., Path],
    homework: dict[str, bytes],
    tmp_path: Path,
) -> None:
    folder("submissions/ben", dict(homework))
    folder("submissions/blue", dict(homework))  # the group's name
    (tmp_path / "policy.toml").write_text(POLICY)
    roster = ROSTER.replace("bonus\n", "bonus,submitted\n").replace(
        ",1\n", ",1,2026-11-28T12:00Z\n"
    )
    roster = roster.replace("red,,\n", "red,,,2026-11-28T12:00Z\n").replace(",,\n", ",,,\n")
    summary, graded = grade(roster=roster, policy=tmp_path / "policy.toml")
    assert graded == ["anna", "dora"]  # each submission once
    found = statuses(summary)
    assert found["anna"] == ("graded", 7.2)  # late
    assert found["ben"] == ("graded", 9.0)  # with an extension and a bonus of one's own
    assert found["cleo"] == ("missing", None)
    assert found["dora"] == found["emil"] != ("missing", None)
    out = tmp_path / "grades"
    lms = {
        row["SIS User ID"]
        for row in csv.DictReader(io.StringIO((out / "exports/lms.csv").read_text()))
    }
    assert lms == {"anna", "ben", "dora", "emil"}
    for name in ("reports/ben.html", "exports/gradescope/ben/results.json", "feedback/ben.md"):
        assert (out / name).is_file()
    assert {one["id"]: one["group"] for one in summary["students"]}["ben"] == "red"
    _, graded = grade(roster=roster, regrade=("ben",))
    assert graded == ["anna"]


def test_a_group_is_one_however_it_is_written(
    grade: Callable[..., Any], folder: Callable[..., Path], homework: dict[str, bytes]
) -> None:
    folder("submissions/team 7", dict(homework))
    roster = "id,name,group\nanna,Anna,Team 7\nben,Ben,team 7\n"
    summary, _ = grade(roster=roster)
    assert {one["status"] for one in summary["students"]} == {"graded"}


def test_a_group_with_two_submissions_is_not_guessed(
    grade: Callable[..., Any], folder: Callable[..., Path], homework: dict[str, bytes]
) -> None:
    folder("submissions/anna", dict(homework))
    folder("submissions/ben", homework | {"pipeline/producer.py": b"other = 1\n"})
    summary, graded = grade()
    assert graded == []
    assert statuses(summary)["ben"] == ("missing", None)
    assert "ben: there are several submissions: anna, ben; keep one" in summary["problems"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("anna", "ben"),
        (
            "Team 7-Anna Alt_21_assignsubmission_file",
            "Team 7-Ben Berg-Hof_22_assignsubmission_file",
        ),
    ],
    ids=["by id", "Moodle"],
)
def test_equal_copies_in_a_group_are_one_submission(
    grade: Callable[..., Any],
    folder: Callable[..., Path],
    homework: dict[str, bytes],
    first: str,
    second: str,
) -> None:
    for name in (first, second):
        folder(f"submissions/{name}", dict(homework))
    roster = "id,name,group\nanna,Anna Alt,red\nben,Ben Berg-Hof,red\ncleo,Cleo Hof,\n"
    summary, graded = grade(roster=roster)
    assert graded == ["anna"]
    assert statuses(summary)["ben"] == ("graded", 8.0)
    assert statuses(summary)["cleo"] == ("missing", None)
    assert summary["problems"] == []


def test_a_stranger_with_a_hyphen_is_nobody_of_the_class(
    grade: Callable[..., Any], folder: Callable[..., Path], homework: dict[str, bytes]
) -> None:
    name = "Zoe-Anna Alt_21_assignsubmission_file"
    folder(f"submissions/{name}", dict(homework))
    summary, graded = grade(roster="id,name,group\nanna,Anna Alt,\n")
    assert graded == []
    assert statuses(summary)["anna"] == ("missing", None)
    assert any("nobody in the roster has this name" in one for one in summary["problems"])


def test_a_group_may_be_written_as_canvas_does(
    grade: Callable[..., Any], folder: Callable[..., Path], homework: dict[str, bytes]
) -> None:
    folder("submissions/team7_12_77_homework.zip", dict(homework))
    summary, graded = grade(roster="id,name,group\nanna,Anna,Team 7\nben,Ben,Team 7\n")
    assert graded == ["anna"]
    assert {one["status"] for one in summary["students"]} == {"graded"}


def test_members_may_share_a_repository(
    grade: Callable[..., Any], folder: Callable[..., Path], homework: dict[str, bytes]
) -> None:
    repo = folder("all/red", dict(homework))
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "homework")
    summary, graded = grade(
        roster=f"id,repository,group\nanna,{repo},red\nben,{repo},red\ncleo,,\n"
    )
    assert graded == ["anna"]
    assert statuses(summary)["ben"] == ("graded", 8.0)


def test_a_mapping_says_whose_a_submission_is(
    grade: Callable[..., Any], folder: Callable[..., Path], homework: dict[str, bytes]
) -> None:
    for name in ("team seven", "Cleo", "=1+1"):
        folder(f"submissions/{name}", dict(homework))
    rows = "Team Seven/,anna\nteam seven,EMIL\n'=1+1,dora@example.org\n../../etc,cleo\n"
    summary, graded = grade(rows, roster=ROSTER.replace("red", "").replace("blue", ""))
    found = statuses(summary)
    assert [name for name, (status, _) in found.items() if status == "graded"] == [
        "anna", "cleo", "dora", "emil",
    ]  # fmt: skip
    assert sorted(graded) == ["anna", "cleo", "dora"]
    assert "the mapping names ../../etc, and there is no such submission" in summary["problems"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("submission,student\nx,zoe", "line 2: nobody in the roster is 'zoe'"),
        ("submission,student\n,anna", "line 2: there is no name of a submission"),
        ("submission,student\nx,anna\nX/,ANNA", "line 3: X and anna stand here twice"),
        ("submission\nx", "missing: student"),
        ("", "is empty"),
    ],
)
def test_a_wrong_mapping_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "mapping.csv").write_text(text)
    with pytest.raises(UsageError) as found:
        load_mapping(tmp_path / "mapping.csv", Roster((Student("anna"),)))
    assert words in str(found.value)


def test_a_mapping_needs_a_roster(week: Week, folder: Callable[..., Path], tmp_path: Path) -> None:
    folder("submissions/a", {"pipeline/producer.py": ""})
    (tmp_path / "mapping.csv").write_text("submission,student\na,anna\n")
    options = Options(
        tmp_path / "submissions", tmp_path / "grades", mapping=tmp_path / "mapping.csv"
    )
    with pytest.raises(UsageError, match="--mapping needs --roster"):
        Assignment(week, options)
