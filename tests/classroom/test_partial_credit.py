"""Items made of checks: points of their own, bonus, and checks that are shown after the deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from pydantic import ValidationError

from autograder.classroom.execution.records import ItemRecord, Record
from autograder.classroom.intake.roster import Student
from autograder.classroom.output.exports import classroom50, gradescope
from autograder.classroom.output.feedback import markdown
from autograder.classroom.output.reports import Pages
from autograder.classroom.policy.hand_grades import Mark
from autograder.classroom.policy.hidden import as_student_sees
from autograder.classroom.policy.summary import Grade, grade_of
from autograder.run.plugin import Grading
from autograder.run.results import ItemResult
from autograder.run.runner import run_graders
from bootcamp.authoring.release import HIDDEN_TESTS
from bootcamp.course.manifest import Item, Manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from tests.classroom.conftest import DUE, POLICY
from tests.classroom.test_reports import read

CHECKS = (
    {"id": "retries", "title": "Retries", "points": 1, "tests": ("test_retries", "test_waits")},
    {"id": "jitter", "title": "Jitter", "points": 2, "tests": ("test_jitter",)},
    {"id": "fast", "title": "Is fast", "points": 0.5, "tests": ("test_fast",), "bonus": True},
    {
        "id": "secret",
        "title": "Survives a crash",
        "points": 1,
        "tests": ("test_crash",),
        "hidden": True,
    },
)
GRADER = """
import pytest
from autograder.card import fail
pytestmark = pytest.mark.item("5.1")
def lost(name):
    fail(sent="x", expected="y", got="z", cause=f"{name} is missing")
"""


def item(checks: Any = CHECKS, points: float = 4) -> Item:
    return Item(
        id="5.1", title="Retries", points=points, files=("a.py",), lesson="1.md", checks=checks
    )


@pytest.fixture
def graded(tmp_path: Path, week: Week) -> Callable[..., ItemResult]:
    """Run a grader in which these tests fail or break; no student process is there."""

    def run(*failing: str, breaks: str = "", left_out: str = "", item: Item = item()) -> ItemResult:  # noqa: B008
        text = GRADER
        tests = [test.removeprefix("test_") for check in item.checks for test in check.tests]
        for name in ("gate", *(one for one in tests if one != left_out)):
            body = (
                f"lost({name!r})"
                if name in failing
                else "raise RuntimeError"
                if name == breaks
                else "pass"
            )
            text += f"def test_{name}():\n    {body}\n"
        folder = tmp_path / f"week05_x{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "test_5_1_x.py").write_text(text)
        session: Any = SimpleNamespace(
            manifest=Manifest(items=(item,)), week=week, seed=1, walls="none",
            wanted=("5.1",), reported=("5.1",),
            crowd=SimpleNamespace(clear=lambda: None, too_large=False), problem=lambda one: None,
            run=SimpleNamespace(openai=SimpleNamespace(clear=lambda: None)), ended="", out_of_time=False,
            student=MagicMock(), browser=SimpleNamespace(ended=""), flags=tuple,
            submission=SimpleNamespace(layer=SimpleNamespace(path=tmp_path / "nothing is here")),
        )  # fmt: skip
        grading = Grading(session)
        run_graders(folder, grading)
        (result,) = grading.result().items
        return result

    return run


def test_checks_earn_points_of_their_own_and_are_named_on_the_card(
    graded: Callable[..., ItemResult],
) -> None:
    full = graded()
    assert (full.outcome, full.score, full.card) == (Outcome.PASSED, 4.5, None)
    part = graded("jitter")
    assert (part.outcome, part.score) == (Outcome.FAILED, 2.5)
    assert part.card and part.card.cause == "jitter is missing"
    assert part.card.checks.splitlines() == [
        "Retries: passed, 1/1",
        "Jitter: failed, 0/2: jitter is missing",
        "Is fast: bonus, passed, 0.5/0.5",
    ]
    assert dict(part.card.rows())["points"] == part.card.checks
    assert graded("waits", "jitter").score == 1.5  # all tests of a check, and the hidden one
    assert [one["outcome"] for one in part.to_json()["checks"]] == [
        "passed",
        "failed",
        "passed",
        None,
    ]


def test_a_bonus_costs_nothing_and_a_gate_costs_all(graded: Callable[..., ItemResult]) -> None:
    assert (graded("fast").outcome, graded("fast").score) == (Outcome.PASSED, 4.0)
    gate = graded("gate")
    assert (gate.outcome, gate.score, gate.checks) == (Outcome.FAILED, 0.0, ())


def test_a_hidden_check_explains_itself_only_to_the_instructor(
    graded: Callable[..., ItemResult],
) -> None:
    hidden = graded("crash")
    assert (hidden.outcome, hidden.score) == (Outcome.FAILED, 3.5)
    assert hidden.card and "shown after the deadline" in hidden.card.text()
    assert "crash is missing" not in hidden.card.text()
    assert "crash is missing" in ItemRecord.of(hidden).checks[3].text
    assert graded("jitter", "crash").card.cause == "jitter is missing"


def test_a_grader_error_in_a_check_is_no_zero(graded: Callable[..., ItemResult]) -> None:
    for name in ("jitter", "fast", "crash"):
        broken = graded(breaks=name)
        assert (broken.outcome, broken.score) == (Outcome.GRADER_ERROR, 0.0)


def test_a_check_without_its_test_is_a_grader_error_unless_students_do_not_get_it(
    graded: Callable[..., ItemResult],
) -> None:
    lost = graded(left_out="jitter")
    assert lost.outcome is Outcome.GRADER_ERROR
    assert lost.card and "no test of jitter ran" in lost.card.got
    edition = graded(left_out="crash")
    assert (edition.outcome, edition.score) == (Outcome.PASSED, 3.5)


def test_all_or_nothing_stays_the_default(graded: Callable[..., ItemResult]) -> None:
    plain = graded("gate", item=item(()))
    assert (plain.outcome, plain.score, plain.checks) == (Outcome.FAILED, 0.0, ())
    assert "points" not in dict(plain.card.rows())
    assert graded(item=item(())).score == 4.0


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        (CHECKS[:2], "its checks have 3 points, and it has 4"),
        ((*CHECKS, CHECKS[2]), "name fast twice"),
        ((*CHECKS, {**CHECKS[2], "id": "other"}), "name test_fast twice"),
        (({**CHECKS[0], "points": 0},), "greater than 0"),
    ],
)
def test_a_wrong_manifest_is_named(checks: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        item(checks)


def test_no_item_needs_one_with_a_hidden_check() -> None:
    with pytest.raises(ValidationError, match="has a hidden check, so no other item may need it"):
        Manifest(items=(item(), item(()).model_copy(update={"id": "5.2", "needs": ("5.1",)})))
    assert HIDDEN_TESTS == "_hidden.py"


@pytest.fixture
def grade(
    graded: Callable[..., ItemResult], record: Callable[..., Record], manifest: Manifest
) -> Grade:
    """A grade with one item whose hidden check failed."""
    made = record().model_copy(update={"items": (ItemRecord.of(graded("crash")),)})
    grade = grade_of(Student("anna"), POLICY, manifest, handed_in=True, record=made, submitted=DUE)
    assert (grade.final, grade.max_score) == (3.5, 7.0)
    return grade


def test_before_the_deadline_students_see_nothing_of_hidden_checks(
    grade: Grade, week: Week, manifest: Manifest
) -> None:
    before = as_student_sees(grade, DUE)
    assert (before.final, before.max_score) == (3.5, 6.0)
    assert before.record and before.record.items[0].outcome is Outcome.PASSED
    for text in (Pages(week, manifest, POLICY).student(before), markdown(before, "t")):
        assert "crash" not in text
        assert "Jitter" in text
    after = as_student_sees(grade, DUE + timedelta(seconds=1))
    assert after == grade
    for text in (read(Pages(week, manifest, POLICY).student(after)).words, markdown(after, "t")):
        assert "crash is missing" in text


def test_an_open_failure_does_not_tell_of_a_hidden_check(
    graded: Callable[..., ItemResult], record: Callable[..., Record], manifest: Manifest, week: Week
) -> None:
    made = record().model_copy(update={"items": (ItemRecord.of(graded("jitter", "crash")),)})
    whole = grade_of(Student("anna"), POLICY, manifest, handed_in=True, record=made, submitted=DUE)
    before = as_student_sees(whole, DUE)
    for text in (Pages(week, manifest, POLICY).student(before), markdown(before, "t")):
        assert "crash" not in text
        assert "jitter is missing" in text


def test_points_by_hand_and_extra_items_hide_the_same(
    graded: Callable[..., ItemResult], record: Callable[..., Record], manifest: Manifest
) -> None:
    made = record().model_copy(update={"items": (ItemRecord.of(graded("jitter")),)})
    mark = Mark(student="anna", criterion="5.1", points=1.0, by="t", entered_at=DUE)

    def seen(**more: Any) -> Grade:
        policy = more.pop("policy", POLICY)
        whole = grade_of(
            Student("anna"), policy, manifest, handed_in=True, record=made, submitted=DUE, **more
        )
        (test,) = gradescope(whole)["tests"][-1:]
        assert test["visibility"] == "after_due_date"
        return as_student_sees(whole, DUE, policy.extra_items)

    by_hand = seen(remarks={"5.1": mark})
    assert by_hand.score == 1.0
    (changed,) = by_hand.remarks
    assert "from 1.5 to 1" in changed.remark
    extra = seen(policy=POLICY.model_copy(update={"extra_items": ("5.1",)}))
    assert (extra.score, extra.extra) == (0.0, 1.5)


def test_gradescope_shows_hidden_checks_after_its_due_date(grade: Grade) -> None:
    tests = {one["number"]: one for one in gradescope(grade)["tests"]}
    assert [one["visibility"] for one in tests.values()] == ["visible"] * 3 + ["after_due_date"]
    assert [one["score"] for one in tests.values()] == [1.0, 2.0, 0.5, 0.0]
    assert [one["max_score"] for one in tests.values()] == [1.0, 2.0, 0, 1.0]
    assert "crash is missing" in tests["5.1.4"]["output"]
    assert classroom50(grade, DUE)["score"] == 4
