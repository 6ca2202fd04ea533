"""A missed deadline or an exception counts if the reference has none; else it is no fault of the student."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.run.session import Session
from bootcamp.course.outcome import Outcome

from .conftest import SOLUTION, Course

pytestmark = pytest.mark.long  # most of these wait for a deadline

DEADLINE = """
from pathlib import Path

import pytest

from autograder.card import fail
from autograder.process.wait import until

RUNS, SLOW = Path({runs!r}), Path({slow!r})


@pytest.mark.item("7.1")
def test_double(student):
    RUNS.write_text(RUNS.read_text() + "x" if RUNS.exists() else "x")
    right = lambda: student.call("pipeline.homework", "double", 2, timeout=3.0) == 4
    if SLOW.exists() or not until(right, 0.5):
        until(lambda: False, 0.01)
        if len(RUNS.read_text()) >= {slow_runs}:
            SLOW.unlink(missing_ok=True)
        fail(sent="double(2)", expected="4 in time", got="nothing in time")


@pytest.mark.item("7.2")
def test_given_file(student):
    assert student.read("pipeline.given", "FACTOR") == 2
"""
WRONG = "def double(number):\n    return 0\n"
WASTEFUL = """
import subprocess, sys

def double(number):
    for _ in range(4):
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
    return 0
"""


def deadline(course: Course, folder: Path, *, slow_runs: int) -> Path:
    """A grader with a deadline that the first runs miss, as on a machine that is too slow."""
    runs, slow = folder / "runs", folder / "slow"
    if slow_runs:
        slow.touch()
    course.grader(DEADLINE.format(runs=str(runs), slow=str(slow), slow_runs=slow_runs))
    return runs


@pytest.mark.parametrize("code", [WRONG, WASTEFUL], ids=["wrong", "wasteful"])
def test_what_the_reference_can_do_in_time_counts(
    course: Course, tmp_path: Path, code: str
) -> None:
    runs = deadline(course, tmp_path, slow_runs=0)
    course.hand_in(code)
    first, second = course.check(referee=True).items
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.SKIPPED)
    assert len(runs.read_text()) == 2  # the submission's, and the reference's


def test_a_slow_machine_costs_no_point(course: Course, tmp_path: Path) -> None:
    """Both are late at first. The item, and the one that builds on it, run once more."""
    runs = deadline(course, tmp_path, slow_runs=2)
    course.hand_in(SOLUTION)
    result = course.check(referee=True)
    assert result.passed, [one.card for one in result.items]
    assert len(runs.read_text()) == 3


def test_a_machine_that_stays_slow_is_a_grader_error(course: Course, tmp_path: Path) -> None:
    runs = deadline(course, tmp_path, slow_runs=9)
    course.hand_in(SOLUTION)
    first, second = course.check(referee=True).items
    assert (first.outcome, second.outcome) == (Outcome.GRADER_ERROR, Outcome.GRADER_ERROR)
    assert first.card is not None and "too slow" in first.card.text()
    assert len(runs.read_text()) == 4


def test_without_a_referee_a_missed_deadline_counts(course: Course, tmp_path: Path) -> None:
    runs = deadline(course, tmp_path, slow_runs=9)
    course.hand_in(SOLUTION)
    assert course.check().items[0].outcome is Outcome.FAILED
    assert runs.read_text() == "x"


def test_a_failure_in_time_asks_no_referee(course: Course) -> None:
    course.hand_in(WRONG)
    first = course.check(referee=True).items[0]
    assert first.outcome is Outcome.FAILED and not first.late


BREAKS = """
import pytest

from autograder.card import fail


@pytest.mark.item("7.1")
def test_double(student):
    value = student.call("pipeline.homework", "double", 2)
    if float(value) != 4 {or_so}:
        fail(sent="double(2)", expected="4", got=value)


@pytest.mark.item("7.2")
def test_given_file(student):
    assert student.read("pipeline.given", "FACTOR") == 2
"""
ODD = ["10**400", "None", "[]", "{'a': 1}", "'\\ud800'"]


@pytest.mark.parametrize("value", ODD)
def test_what_breaks_the_grader_and_not_on_the_reference_is_a_failure(
    course: Course, value: str
) -> None:
    course.grader(BREAKS.format(or_so=""))
    course.hand_in(f"def double(number):\n    return {value}\n")
    first, second = course.check(referee=True).items
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.SKIPPED)
    assert first.card is not None and "Error" in first.card.got
    assert "show your instructor this card" in first.card.cause
    assert "7.1" in second.card.got if second.card else False


def test_what_breaks_on_the_reference_too_is_a_grader_error(course: Course) -> None:
    course.grader(BREAKS.format(or_so="or {}['a bug']"))
    course.hand_in("def double(number):\n    return None\n")
    result = course.check(referee=True)
    assert [one.outcome for one in result.items] == [Outcome.GRADER_ERROR] * 2


def test_an_exception_around_the_graders_is_charged_alike(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A submission on which the session itself cannot start; then a session that never starts."""
    real = Session.__enter__

    def breaks(self: Session) -> Session:
        if self._source == course.submission or everybody:
            raise OSError("too many open files")
        return real(self)

    everybody = False
    monkeypatch.setattr(Session, "__enter__", breaks)
    outcomes = [one.outcome for one in course.check(referee=True).items]
    assert outcomes == [Outcome.FAILED] * 2
    everybody = True
    assert len(course.check(referee=True).grader_errors) == 2
