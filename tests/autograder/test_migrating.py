"""The stores are prepared again if one of them did not answer, as the exit code 75 asks for."""

from __future__ import annotations

import os

import pytest

from bootcamp.course.outcome import Outcome

from .conftest import WEEK, Course

GRADER = """
import pytest


@pytest.mark.item("7.1")
def test_double(student):
    student.await_migration()


@pytest.mark.item("7.2")
def test_factor(student):
    pass
"""
MIGRATE = """
import pathlib, sys

tried = pathlib.Path("tried")
count = int(tried.read_text()) + 1 if tried.exists() else 1
tried.write_text(str(count))
sys.exit({code} if count <= {failures} else 0)
"""


@pytest.mark.parametrize(
    ("code", "failures", "outcome"),
    [
        (os.EX_TEMPFAIL, 2, Outcome.PASSED),
        (os.EX_TEMPFAIL, 9, Outcome.NOT_GRADABLE),
        (1, 1, Outcome.NOT_GRADABLE),
    ],
)
def test_a_store_that_does_not_answer(
    course: Course, code: int, failures: int, outcome: Outcome
) -> None:
    migrate = MIGRATE.format(code=code, failures=failures)
    course.write(WEEK.solutions, "pipeline/migrate.py", migrate)
    course.grader(GRADER)
    assert course.check().items[0].outcome is outcome
