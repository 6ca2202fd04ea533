"""Comments on items, and points that a person gives in place of the grader's."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.pool import RunJobs
from autograder.classroom.execution.records import Record
from autograder.classroom.intake.roster import Student
from autograder.classroom.output.exports import classroom50, gradescope, hand_grades_csv, scores_csv
from autograder.classroom.output.reports import Pages
from autograder.classroom.policy.hand_grades import ByHand, Mark
from autograder.classroom.policy.hand_table import OVERALL, Targets, read_table
from autograder.classroom.policy.summary import Grade, Status, grade_of
from bootcamp.course.manifest import Manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError
from tests.classroom.conftest import DUE, EVIL, POLICY
from tests.classroom.test_exports import rows
from tests.classroom.test_reports import read

HEAD = "student,criterion,points,comment\n"
TARGETS = Targets(None, {"1.3": 2.0, "1.4": 2.0})
WHEN = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


def mark(item: str, points: float | None, comment: str = "the check was too strict") -> Mark:
    return Mark(
        student="anna", criterion=item, points=points, comment=comment, by="tess", entered_at=WHEN
    )


@pytest.fixture
def graded(record: Callable[..., Record], manifest: Manifest) -> Callable[..., Grade]:
    """Anna's grade with marks; she failed 1.3, and the grader broke on 1.4 if it should."""

    def make(*marks: Mark, broken: bool = False) -> Grade:
        outcomes = {"1.3": Outcome.FAILED} | ({"1.4": Outcome.GRADER_ERROR} if broken else {})
        return grade_of(
            Student("anna"), POLICY, manifest, handed_in=True, record=record("anna", outcomes),
            submitted=DUE, remarks={one.criterion: one for one in marks},
        )  # fmt: skip

    return make


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("anna,1.3,2,", "other points for item 1.3 without a reason"),
        ("anna,1.3,2.5,why", "2.5 points are more than the maximum of 1.3, 2"),
        (
            "anna,9.9,1,why",
            "there is no criterion '9.9'; this week has no rubric; the items are: 1.3",
        ),
        ("anna,overall,1,why", "`overall` has no points"),
    ],
)
def test_wrong_rows(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "hand.csv").write_text(HEAD + text)
    with pytest.raises(UsageError) as found:
        read_table(tmp_path / "hand.csv", TARGETS, {"anna": ("anna",)}, "tess")
    assert words in str(found.value)


def test_a_table_of_comments_and_other_points(tmp_path: Path) -> None:
    def enter(text: str, head: str = HEAD) -> ByHand:
        (tmp_path / "hand.csv").write_text(head + text)
        found = ByHand(TARGETS, "week01", tmp_path, tmp_path / "hand.csv", {"anna": ("anna",)})
        found.enter()
        return found

    with_name = "student,criterion,points,comment,by\n"
    enter("anna,1.3,1,half of it works,tess\nanna,1.4,,look at line 3,\n", with_name)
    entered = enter("anna,1.3,,half of it really works\nanna,overall,,well done\n")
    found = entered.remarks("anna")
    assert (found["1.3"].points, found["1.3"].comment) == (1.0, "half of it really works")
    assert (found["1.4"].points, found["1.4"].comment) == (None, "look at line 3")
    assert found[OVERALL].comment == "well done"
    assert entered.report[1:] == ("  changed: anna, 1.3: the comment",)
    first = json.loads((tmp_path / "hand_grades.json").read_text())["marks"]
    assert first[1]["by"]  # without a name in the table, the user of this machine
    table = hand_grades_csv(TARGETS, [(Student("anna"), found)])
    again = enter(
        table.removeprefix(table.partition("\n")[0]).strip(), table.partition("\n")[0] + "\n"
    )
    assert again.report == ("Points by hand: 0 new, 0 changed, 3 in all.",)
    assert not enter("anna,1.3,clear,\nanna,1.4,clear,\nanna,overall,clear,\n").remarks("anna")


def test_other_points_count_everywhere_and_the_graders_are_shown(
    graded: Callable[..., Grade], manifest: Manifest, week: Week
) -> None:
    assert (graded().score, graded().final) == (5.0, 8.0)
    grade = graded(
        mark("1.3", 1), mark("1.4", None, "look at line 3"), mark(OVERALL, None, "Good.")
    )
    assert (grade.score, grade.final) == (6.0, 9.0)
    sentence = "Changed by hand from 0 to 1 (tess, 2026-11-28 09:30 UTC): the check was too strict"
    page = read(Pages(week, manifest, POLICY).student(grade)).words
    for words in (sentence, "look at line 3", "Good.", "1/2", "9 of 7 points"):
        assert words in page
    assert sentence in read(Pages(week, manifest, POLICY).whole_class([grade], 1)).words
    (row,) = rows(scores_csv([grade], manifest))
    assert (row["1.3"], row["final"]) == ("1.0", "9.0")
    assert row["remarks"].startswith("Good.; 1.3: Changed by hand from 0 to 1")
    tests = {one["number"]: one for one in gradescope(grade)["tests"]}
    assert (tests["1.3"]["score"], tests["1.3"]["status"]) == (1.0, "failed")
    assert sentence in tests["1.3"]["output"]
    assert "Good." in gradescope(grade)["output"]
    assert (
        next(one for one in classroom50(grade, WHEN)["tests"] if "1.3" in one["test-name"])["score"]
        == 1
    )
    line = grade.to_json()["remarks"]["1.3"]
    assert (line["automatic"], line["points"], line["by"]) == (0.0, 1.0, "tess")
    full = graded(mark("1.3", 2))
    assert (
        next(one for one in gradescope(full)["tests"] if one["number"] == "1.3")["status"]
        == "passed"
    )


def test_a_person_judges_what_the_grader_could_not(graded: Callable[..., Grade]) -> None:
    assert graded(broken=True).status is Status.GRADER_ERROR
    assert graded(mark("1.4", None, "soon"), broken=True).status is Status.GRADER_ERROR
    judged = graded(mark("1.4", 2), broken=True)
    assert (judged.status, judged.score) == (Status.GRADED, 5.0)
    assert "from blank to 2" in judged.remarks[0].remark


def test_hostile_comments_are_text(
    graded: Callable[..., Grade], week: Week, manifest: Manifest
) -> None:
    grade = graded(mark("1.3", 1, EVIL), mark(OVERALL, None, "=1+1"))
    for page in (
        Pages(week, manifest, POLICY).student(grade),
        Pages(week, manifest, POLICY).whole_class([grade], 1),
    ):
        assert "script" not in read(page).tags
        assert "\x1b" not in page
    assert rows(scores_csv([grade], manifest))[0]["remarks"].startswith("'=1+1")


def test_a_class_without_a_rubric_takes_a_table(
    week: Week,
    folder: Callable[..., Path],
    homework: dict[str, bytes],
    answers: Callable[..., RunJobs],
    tmp_path: Path,
) -> None:
    folder("submissions/anna", dict(homework))
    (tmp_path / "roster.csv").write_text("id\nanna\nben\n")
    (tmp_path / "hand.csv").write_text(HEAD + "anna,1.3,1,copied\nben,1.3,1,on paper\n")
    options = Options(
        tmp_path / "submissions",
        tmp_path / "grades",
        tmp_path / "roster.csv",
        hand_grades=tmp_path / "hand.csv",
    )
    assignment = Assignment(week, options)
    assert "anna,1.4,,,,2" in assignment.hand_grades_template()
    with assignment.held():
        list(assignment.grade(assignment.tasks(), answers(), 1, 0))
        summary = assignment.publish(assignment.grades())
    anna, ben = summary["students"]
    assert (anna["score"], ben["score"]) == (9.0, None)
    assert any("ben: points by hand for 1.3 do not count" in one for one in summary["problems"])
    kept = json.loads((tmp_path / "grades/results/anna.json").read_text())
    assert sum(one["score"] for one in kept["items"]) == 10.0  # the record stays as graded
