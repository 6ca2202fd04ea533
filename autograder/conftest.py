"""For those who know pytest: `pytest autograder/week05_retries [--from DIR]` checks like `bootcamp check`.

`bootcamp check` brings its own grading plugin; only where there is none, as here, one is made.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from autograder.run import plugin
from autograder.run.session import Session
from autograder.run.submission import locate
from autograder.sdk import fixtures
from bootcamp.course.manifest import graded_weeks
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError, UsageError
from bootcamp.stack import find_or_start

FIXTURES = "autograder.sdk.fixtures"
OURS = pytest.StashKey[plugin.Grading]()
"""The plugin that was made here."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--from` and `--seed`, as `bootcamp check` has them."""
    group = parser.getgroup("bootcamp")
    group.addoption("--from", dest="source", help="check `solutions` or a folder")
    group.addoption("--seed", type=int, help="bring back an earlier run's inputs")


def pytest_configure(config: pytest.Config) -> None:
    """Bring the fixtures, from whatever folder pytest was called."""
    if not config.pluginmanager.has_plugin(FIXTURES):
        config.pluginmanager.register(fixtures, FIXTURES)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the stack and the grading run of the week that is named on the command line."""
    config = session.config
    if config.pluginmanager.has_plugin(plugin.PLUGIN) or config.option.collectonly:
        return
    try:
        with ExitStack() as exit_stack:
            grading = plugin.Grading(exit_stack.enter_context(_grading_run(config, exit_stack)))
            config.pluginmanager.register(grading, plugin.PLUGIN)
            config.stash[OURS] = grading
            config.add_cleanup(exit_stack.pop_all().close)
    except BootcampError as error:
        raise pytest.UsageError(str(error)) from error


def _grading_run(config: pytest.Config, exit_stack: ExitStack) -> Session:
    week = _week(config)
    place = locate(week, config.option.source)
    stack = exit_stack.enter_context(find_or_start())
    seed = secrets.randbelow(10**9) if config.option.seed is None else config.option.seed
    return Session(week, place, stack, seed)


def _week(config: pytest.Config) -> Week:
    """The one week that is asked for: each has a grading run of its own."""
    asked = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    weeks = [
        week
        for week in graded_weeks()
        if any(path == week.grader or week.grader in path.parents for path in asked)
    ]
    if len(weeks) != 1:
        raise UsageError("Name one week: pytest autograder/week01_first_task")
    return weeks[0]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The cards and the score, as `bootcamp check` shows them."""
    grading = config.stash.get(OURS, None)
    if grading is None:
        return
    result = grading.result()
    terminalreporter.section(str(result.week))
    for one in filter(lambda one: grading.ran(one.item.id), result.items):
        terminalreporter.write_line(f"{one.item.id} {one.item.title}: {one.outcome}")
        if one.card is not None and one.outcome is not Outcome.SKIPPED:
            for line in one.card.text().splitlines():
                terminalreporter.write_line(f"    {line}")
    score = f"{result.total} (seed {result.seed})"
    terminalreporter.write_line(score)
