"""Which weeks a run of the tests takes whole.

Each week brings about two minutes of tests on real services, so `make test` takes those of the first
and of the newest week, whose pipeline holds the code of all the others. `make test-weeks` takes those
of the weeks between. CI runs both. Tests without services run in `make test`, whatever their week.
Without the option, as in `pytest tests/week04`, all of them run.
"""

from __future__ import annotations

import re

import pytest

from bootcamp.course.manifest import graded_weeks
from bootcamp.course.weeks import Week

WEEK = re.compile(r"week(\d\d)")
BETWEEN = [week.number for week in graded_weeks()][1:-1]
ENDS, MIDDLE = "ends", "middle"
SERVICES = {"stack", "host"}
"""Fixtures that start services, or processes of a solution."""


def add_options(parser: pytest.Parser) -> None:
    """The option that the Makefile gives."""
    parser.addoption(
        "--weeks",
        choices=(ENDS, MIDDLE),
        help="Of the tests on services: those of the first and newest week and of no week, or the rest.",
    )


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what the other run takes."""
    chosen = config.getoption("--weeks")
    if not chosen:
        return
    left_out = [one for one in items if is_middle(one) != (chosen == MIDDLE)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [one for one in items if is_middle(one) == (chosen == MIDDLE)]


def is_middle(item: pytest.Item) -> bool:
    """Whether a test runs on services, or long, for a week that is neither the first nor the newest."""
    slow = SERVICES & set(getattr(item, "fixturenames", ())) or item.get_closest_marker("long")
    return bool(slow) and week_of(item) in BETWEEN


def week_of(item: pytest.Item) -> int | None:
    """The week of a test: of its parameter, else of its folder or its name."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    for value in params.values():
        if isinstance(value, Week):
            return value.number
    found = WEEK.findall(item.nodeid)
    return int(found[-1]) if found else None
