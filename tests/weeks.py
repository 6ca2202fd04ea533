"""Which weeks a run of the tests takes whole.

Each week brings about two minutes of tests on real services, so `make test` takes those of the newest
week, whose pipeline holds the code of all the others. `make test-weeks` takes those of the earlier
weeks, and tests that are marked `long`. CI runs both. Tests without services run in `make test`,
whatever their week. Without the option, as in `pytest tests/week04`, all of them run.
"""

from __future__ import annotations

import re

import pytest

from bootcamp.course.manifest import graded_weeks
from bootcamp.course.weeks import Week

WEEK = re.compile(r"week(\d\d)")
EARLIER = [week.number for week in graded_weeks()][:-1]
NEWEST, REST = "newest", "rest"
SERVICES = {"stack", "host"}
"""Fixtures that start services, or processes of a solution."""


def add_options(parser: pytest.Parser) -> None:
    """The option that the Makefile gives."""
    parser.addoption(
        "--weeks",
        choices=(NEWEST, REST),
        help="Of the tests on services: those of the newest week and of no week, or the rest.",
    )


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what the other run takes."""
    chosen = config.getoption("--weeks")
    if not chosen:
        return
    left_out = [one for one in items if is_in_rest(one) != (chosen == REST)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [one for one in items if is_in_rest(one) == (chosen == REST)]


def is_in_rest(item: pytest.Item) -> bool:
    """Whether a test is marked `long`, or runs on services for a week that is not the newest."""
    if item.get_closest_marker("long"):
        return True
    return bool(SERVICES & set(getattr(item, "fixturenames", ()))) and week_of(item) in EARLIER


def week_of(item: pytest.Item) -> int | None:
    """The week of a test: of its parameter, else of its folder or its name."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    for value in params.values():
        if isinstance(value, Week):
            return value.number
    found = WEEK.findall(item.nodeid)
    return int(found[-1]) if found else None
