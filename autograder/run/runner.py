"""Runs a week's graders on a submission, and gives the result as a value."""

from __future__ import annotations

import io
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from autograder.process.fork_client import Host
from autograder.run.plugin import Grading, broken
from autograder.run.referee import broken_items, charge, excuse, late_items, postpone
from autograder.run.results import ItemResult, WeekResult
from autograder.run.session import Session
from autograder.sandbox.tiers import Tier
from bootcamp.course.manifest import load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.errors import GraderError
from bootcamp.stack import Stack, find_or_start

PYTEST_INI = Path(__file__).parents[1] / "pytest.ini"
NO_AUTOLOAD = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
RAN = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,  # then every item says that none of its tests ran
)


def run_week(
    week: Week,
    source: Path,
    *,
    items: Iterable[str] | None = None,
    stack: Stack | None = None,
    seed: int | None = None,
    host: Host | None = None,
    tier: Tier = Tier.LIMITS,
    referee: bool = False,
    alone: bool = True,
    report: Callable[[str], None] = lambda text: None,
) -> WeekResult:
    """Grade one week of one submission.

    Args:
        source: the folder that holds the student's `pipeline`.
        items: ids of the items to report on; all by default.
        stack: a running stack; by default one that is up is joined, or one is started.
        seed: brings back the random inputs of an earlier run.
        host: a parent for the student's processes that others use too: saves a second, and is for
            code that is trusted. By default the submission gets one alone.
        tier: how firmly the student's processes are held. A class takes the `strongest()`.
        referee: before a missed deadline counts, the reference must keep it, and an exception in a grader
            that the reference does not cause is the submission's: see `referee.py`.
        alone: whether nothing else is graded on this machine. If something is, items that were late on a
            crowded machine are grader errors: grade them again alone.
        report: is told what happens, for a progress line.

    Items on which the grader broke are run once more; a student's failure never is. With a referee, an item
    that breaks the grader again has failed, unless it breaks on the reference too.

    Raises:
        GraderError: pytest itself did not come through.
        StackError: the stack did not start.
    """
    seed = secrets.randbelow(10**9) if seed is None else seed
    with ExitStack() as exit_stack:
        if stack is None:
            report("starting the local stack")
            stack = exit_stack.enter_context(find_or_start())
        report("running the checks")
        run = _whole_run if referee else _run
        result = run(week, source, items, stack, seed, host, tier)
        result = _judged(result, stack, tier, referee, alone)
        if errors := [one.item.id for one in result.grader_errors if not one.crowded]:
            report("the grader broke; running those items once more")
            # With what they need, so that no item is skipped beside a needed one that has passed.
            ids = load_manifest(week).with_needs(tuple(errors))
            with _unharmed(stack, referee) as other:
                again = run(week, source, ids, other, seed, host, tier)
                again = _judged(again, other, tier, referee, alone)
                result = result.replaced_by(again.items).flagged(*again.flags)
        if errors := broken_items(result) if referee else []:
            report("the grader broke twice; running those items on the reference")
            with _unharmed(stack, referee) as other:
                reference = run(week, week.solutions, errors, other, seed, None, tier)
            result = charge(result, reference)
    return result


@contextmanager
def _unharmed(stack: Stack, referee: bool) -> Iterator[Stack]:
    """A stack that the submission has not used: it may have broken the first one."""
    if not referee:
        yield stack
        return
    with Stack() as fresh:
        yield fresh


def _whole_run(
    week: Week,
    source: Path,
    items: Iterable[str] | None,
    stack: Stack,
    seed: int,
    host: Host | None,
    tier: Tier,
) -> WeekResult:
    """Like `_run`, but an exception around the graders is a grader error of every item."""
    try:
        return _run(week, source, items, stack, seed, host, tier)
    except Exception as error:
        card = broken(f"{type(error).__name__}: {error}", traceback.format_exception(error))
        every = [one for one in load_manifest(week).items if items is None or one.id in items]
        lost = (ItemResult(item, Outcome.GRADER_ERROR, card, 0.0) for item in every)
        return WeekResult(week, tuple(lost), seed, tier.value)


def _judged(result: WeekResult, stack: Stack, tier: Tier, referee: bool, alone: bool) -> WeekResult:
    """The result, after the reference has tried to keep the deadlines that were missed."""
    result = result if alone else postpone(result)
    late = late_items(result) if referee else []
    if not late:
        return result
    week = result.week
    reference = _run(week, week.solutions, late, stack, result.seed, None, tier)
    return excuse(result, reference)


def _run(
    week: Week,
    source: Path,
    items: Iterable[str] | None,
    stack: Stack,
    seed: int,
    host: Host | None,
    tier: Tier,
) -> WeekResult:
    with Session(week, source, stack, seed, items, host, tier) as session:
        grading = Grading(session)
        code, output = run_graders(week.grader, grading)
    if grading.interrupted:
        raise KeyboardInterrupt
    if code not in RAN:
        raise GraderError(f"The graders of {week} did not run (pytest: {code}).", output[-3000:])
    return grading.result()


def run_graders(folder: Path, grading: Grading) -> tuple[int, str]:
    """Run the graders in this process, away from the user's own pytest configuration and plugins."""
    options = ["-q", "--no-header", "--continue-on-collection-errors"]
    options += ["--capture=no"]  # Python's streams are caught here; the terminal stays free
    # This plugin collects the garbage ten times at the end, for warnings that nobody reads here.
    options += ["-p", "no:unraisableexception"]
    options += ["--tb=native"]  # the cards tell; pytest's own pages about failures take time
    options += ["-c", str(PYTEST_INI), "--rootdir", str(folder.parent)]
    output = io.StringIO()
    with (
        _no_plugins(),
        _fresh_modules(folder.name),
        redirect_stdout(output),
        redirect_stderr(output),
    ):
        code = pytest.main([*options, str(folder)], plugins=[grading])
    return int(code), output.getvalue()


@contextmanager
def _no_plugins() -> Iterator[None]:
    """Keep pytest from importing every plugin that is installed: about a second."""
    before = os.environ.get(NO_AUTOLOAD), os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ[NO_AUTOLOAD] = "1"
    try:
        yield
    finally:
        for name, value in zip((NO_AUTOLOAD, "PYTEST_ADDOPTS"), before, strict=True):
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _fresh_modules(package: str) -> Iterator[None]:
    """Unload the graders' modules afterwards: one that failed half way would count as imported."""
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]
