"""Each promise of an item has a grader that names it, and a wrong solution that breaks it."""

from __future__ import annotations

import pytest

from autograder.validation import promises
from bootcamp.course.manifest import graded_weeks
from bootcamp.course.weeks import Week

WEEKS = graded_weeks()


@pytest.mark.parametrize("week", WEEKS, ids=str)
def test_each_promise_is_checked_and_broken(week: Week) -> None:
    found = promises.faults(promises.promises(week), promises.checked(week), promises.broken(week))
    assert not found, "\n".join(found)


def test_what_is_missing_is_said() -> None:
    texts = {"5.2a": "Double the wait.", "5.2b": "Pick it at random."}
    tests = {
        "5.2a": ["test_5_2_backoff.py::test_doubling"],
        "5.2c": ["test_5_2_backoff.py::test_cap"],
    }
    wrong = {"5.2b": ["no_jitter.patch"]}
    assert promises.faults(texts, tests, wrong) == [
        "5.2b is checked by no grader: Pick it at random.",
        "5.2a is broken by no wrong solution: Double the wait.",
        "test_5_2_backoff.py::test_cap checks 5.2c, which is no promise",
    ]
