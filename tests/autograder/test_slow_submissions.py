"""Submissions that are slow: each pays for its own item, and no time makes a grader error."""

from __future__ import annotations

import time

import pytest

from autograder.process import student as student_module
from autograder.run import plugin
from autograder.run import session as session_module
from autograder.run.runner import run_week
from autograder.sandbox.tiers import Tier, strongest
from bootcamp.course.outcome import Outcome
from tests.parts import missing

from .conftest import WEEK, Course

pytestmark = pytest.mark.long  # most of these wait for a deadline

MANY_CALLS = """
import pytest

from autograder.card import fail


@pytest.mark.item("7.1")
def test_double(student):
    for number in range(40):
        student.call("pipeline.homework", "double", number, timeout=3.0)


@pytest.mark.item("7.2")
def test_factor(student):
    if student.call("pipeline.homework", "triple", 2, timeout=3.0) != 6:
        fail(sent="triple(2)", expected="6", got="another number")
"""
SLOW = """
import time


def double(number):
    time.sleep(0.4)
    return number * 2


def triple(number):
    return number * 3
"""
ALONE = 'needs = ["7.1"]'


@pytest.fixture
def two_items(course: Course, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Items that do not need each other, and a limit of six seconds for a test."""
    manifest = WEEK.grader / "manifest.toml"
    course.write(WEEK.grader, "manifest.toml", manifest.read_text().replace(ALONE, ""))
    course.grader(MANY_CALLS)
    monkeypatch.setattr(plugin, "MAX_TEST_SECONDS", 6.0)
    return course


def test_a_test_over_its_limit_costs_its_own_item_alone(two_items: Course) -> None:
    """The late answer of the first item is not read as one of the second."""
    two_items.write(WEEK.solutions, "pipeline/homework.py", SLOW.replace("0.4", "0"))
    two_items.hand_in(SLOW)
    first, second = two_items.check(referee=True).items
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.PASSED)
    assert first.card is not None and "longer than 6 s" in first.card.text()


def test_a_reference_that_is_slow_too_excuses_it(two_items: Course) -> None:
    two_items.write(WEEK.solutions, "pipeline/homework.py", SLOW)
    two_items.hand_in(SLOW)
    first, second = two_items.check(referee=True).items
    assert (first.outcome, second.outcome) == (Outcome.GRADER_ERROR, Outcome.PASSED)


def test_an_import_that_is_late_on_a_slow_machine_costs_no_point(
    two_items: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "MAX_TEST_SECONDS", 60.0)
    monkeypatch.setattr(student_module, "IMPORT_SECONDS", 3.0)
    right = SLOW.replace("0.4", "0")
    late = f"import time\n\ntime.sleep(6)\n{right}"
    two_items.write(WEEK.solutions, "pipeline/homework.py", right)
    two_items.hand_in(late)
    assert [one.outcome for one in two_items.check(referee=True).items] == [
        Outcome.NOT_GRADABLE
    ] * 2
    two_items.write(WEEK.solutions, "pipeline/homework.py", late)
    outcomes = {one.outcome for one in two_items.check(referee=True).items}
    assert outcomes == {Outcome.GRADER_ERROR}


def test_a_submission_has_a_limit_for_all_its_tests(
    two_items: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it could waste time until the grading process is given up: a blank in place of a zero."""
    if strongest() is Tier.LIMITS:
        missing("nobody watches a submission here: no sandbox works on this machine")
    monkeypatch.setattr(plugin, "MAX_TEST_SECONDS", 60.0)
    monkeypatch.setattr(session_module, "MAX_RUN_SECONDS", 6.0)
    two_items.write(WEEK.solutions, "pipeline/homework.py", SLOW.replace("0.4", "0"))
    two_items.hand_in(SLOW.replace("0.4", "2"))
    started = time.monotonic()
    result = run_week(
        WEEK, two_items.submission, stack=two_items.stack, tier=strongest(), referee=True
    )
    assert time.monotonic() - started < 40
    assert [one.outcome for one in result.items] == [Outcome.FAILED] * 2
    for one in result.items:
        assert one.card is not None and "more than 6 s in all" in one.card.text()
