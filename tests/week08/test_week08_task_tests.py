"""The broken tasks of 8.8 are tasks, and the given one is what the grader starts from."""

from __future__ import annotations

from random import Random

import pytest

from autograder.week08_operations.tasks import BROKEN, RIGHT
from bootcamp.course.weeks import find_week

GIVEN = find_week("week08_operations").solutions / "task_tests" / "invoices.py"


@pytest.mark.parametrize("task", [*RIGHT, *BROKEN], ids=lambda one: one.name or "right")
def test_a_variant_is_a_task_of_its_own(task):
    given = GIVEN.read_text()
    source = task.source(given, Random(8))
    compile(source, "invoices.py", "exec")
    assert (source == given) == (task is RIGHT[0])


def test_each_name_is_a_promise_of_the_docstring():
    given = GIVEN.read_text()
    for variant in BROKEN:
        assert f"`{variant.name}`" in given
