"""Runs a week's graders on a submission, and gives the result as a value."""

from __future__ import annotations

import io
import secrets
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.process.browser import Chrome
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
from bootcamp.stack import Stack

PYTEST_INI = Path(__file__).parents[1] / "pytest.ini"
RAN = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,  # then every item says that none of its tests ran
)


def run_week(
    week: Week,
    source: Path,
    *,
    stack: Stack,
    items: Iterable[str] | None = None,
    seed: int | None = None,
    host: Host | None = None,
    browser: Chrome | None = None,
    tier: Tier = Tier.LIMITS,
    referee: bool = False,
    alone: bool = True,
) -> WeekResult:
    """Grade one week of one submission.

    Args:
        source: the folder that holds the student's `pipeline`.
        stack: a running stack.
        items: ids of the items to report on; all by default.
        seed: brings back the random inputs of an earlier run.
        host: a parent for the student's processes that others use too: saves a second, and is for
            code that is trusted. By default the submission gets one alone.
        browser: one that other checks use too, for code that is trusted as well.
        tier: how firmly the student's processes are held. A class takes the `strongest()`.
        referee: before a missed deadline counts, the reference must keep it, and an exception in a grader
            that the reference does not cause is the submission's: see `referee.py`.
        alone: whether nothing else is graded on this machine. If something is, items that were late on a
            crowded machine are grader errors: grade them again alone.

    Items on which the grader broke are run once more; a student's failure never is. With a referee, an item
    that breaks the grader again has failed, unless it breaks on the reference too.

    Raises:
        GraderError: pytest itself did not come through.
        StackError: the stack did not start.
    """
    seed = secrets.randbelow(10**9) if seed is None else seed
    runs = _Runs(week, seed, tier, referee, alone, browser)
    result = runs.judged(source, items, stack, host)
    if errors := [one.item.id for one in result.grader_errors if not one.crowded]:
        # With what they need, so that no item is skipped beside a needed one that has passed.
        ids = load_manifest(week).with_needs(tuple(errors))
        with _unharmed(stack, referee) as other:
            again = runs.judged(source, ids, other, host)
        result = result.replaced_by(again.items).flagged(*again.flags)
    if errors := broken_items(result) if referee else []:
        with _unharmed(stack, referee) as other:
            reference = runs.whole(week.solutions, errors, other)
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


@dataclass(frozen=True)
class _Runs:
    """What all runs for one submission have in common: see `run_week`."""

    week: Week
    seed: int
    tier: Tier
    referee: bool
    alone: bool
    browser: Chrome | None = None

    def judged(
        self, source: Path, items: Iterable[str] | None, stack: Stack, host: Host | None
    ) -> WeekResult:
        """The result, after the reference has tried to keep the deadlines that were missed."""
        result = self.whole(source, items, stack, host)
        result = result if self.alone else postpone(result)
        late = late_items(result) if self.referee else []
        return excuse(result, self.run(self.week.solutions, late, stack)) if late else result

    def run(
        self, source: Path, items: Iterable[str] | None, stack: Stack, host: Host | None = None
    ) -> WeekResult:
        """The result of the graders."""
        with Session(
            self.week, source, stack, self.seed, items, host, self.tier, self.browser
        ) as session:
            grading = Grading(session)
            code, output = run_graders(self.week.grader, grading)
        if grading.interrupted:
            raise KeyboardInterrupt
        if code not in RAN:
            raise GraderError(
                f"The graders of {self.week} did not run (pytest: {code}).", output[-3000:]
            )
        return grading.result()

    def whole(
        self, source: Path, items: Iterable[str] | None, stack: Stack, host: Host | None = None
    ) -> WeekResult:
        """Like `run`. With a referee, an exception around the graders is a grader error of every item."""
        try:
            return self.run(source, items, stack, host)
        except Exception as error:
            if not self.referee:
                raise
            return self._all_broken(error, items)

    def _all_broken(self, error: Exception, items: Iterable[str] | None) -> WeekResult:
        card = broken(f"{type(error).__name__}: {error}", traceback.format_exception(error))
        every = [one for one in load_manifest(self.week).items if items is None or one.id in items]
        lost = (ItemResult(item, Outcome.GRADER_ERROR, card, 0.0) for item in every)
        return WeekResult(self.week, tuple(lost), self.seed, self.tier.value)


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
        pytest.MonkeyPatch.context() as environment,
        redirect_stdout(output),
        redirect_stderr(output),
    ):
        # To import every plugin that is installed would take about a second.
        environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        environment.delenv("PYTEST_ADDOPTS", raising=False)
        try:
            code = pytest.main([*options, str(folder)], plugins=[grading])
        finally:  # a grader whose import failed half way would count as imported
            for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
                del sys.modules[name]
    return int(code), output.getvalue()
