"""`make test` and `make test-weeks` share the tests: each test is in one of both."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bootcamp.course.manifest import graded_weeks
from tests import weeks

FIRST, *_, NEWEST = graded_weeks()


def item(nodeid: str, *fixtures: str, long: bool = False, **params: Any) -> Any:
    return SimpleNamespace(
        nodeid=nodeid,
        fixturenames=fixtures,
        callspec=SimpleNamespace(params=params),
        get_closest_marker=lambda name: long,
    )


@pytest.mark.parametrize(
    ("one", "in_rest"),
    [
        (item("tests/week03/test_search_route.py::test_a", "stack"), True),
        (item("tests/week03/test_sizes.py::test_a", "tmp_path"), False),
        (item("tests/week01/test_worker.py::test_a", "stack"), True),
        (item("tests/stack/test_stack.py::test_a", "stack"), False),
        (item("tests/notebooks/test_live.py::test_a", "stack", week=NEWEST), False),
        (item("tests/notebooks/test_live.py::test_a", "stack", week=FIRST), True),
        (item("tests/notebooks/test_nbgrader.py::test_a", long=True, graded=NEWEST), True),
        (item("tests/lessons/test_transcripts.py::test_a[lessons/week04_job_state/02.md]", "stack"), True),
    ],
)  # fmt: skip
def test_which_run_takes_a_test(one: Any, in_rest: bool) -> None:
    assert weeks.is_in_rest(one) is in_rest
