"""The pytest plugin of one grading run: selects the tests of the items, and keeps their outcomes.

A grader's outcome is read from the exception object in this process: text, exit codes and files
that a student could write count for nothing.
"""

from __future__ import annotations

import re
import signal
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from autograder.card import (
    BROKE,
    HIDDEN,
    Card,
    CheckFailed,
    NotGradable,
    TookTooLong,
    Unavailable,
    skipped_card,
)
from autograder.process.wait import DEADLINES
from autograder.run.fault_attribution import blamed, page_blamed
from autograder.run.results import SEVERITY, CheckResult, ItemResult, WeekResult
from autograder.run.session import Session
from autograder.run.submission import unwritten
from bootcamp.course.manifest import Check, Item, Manifest
from bootcamp.course.outcome import Outcome

PLUGIN = "bootcamp-grading"
MAX_TEST_SECONDS = 90.0
TOO_SLOW = "something in the code takes very long, or never ends; or this machine is very busy"


class NeedsFailed(Exception):
    """An item that this one needs did not pass."""


class Decided(Exception):
    """An earlier test of the same item has ended it: its first failure is what the card shows."""


@dataclass
class _Record:
    """What the tests of one item came to so far."""

    outcomes: list[tuple[Outcome, Card | None]] = field(default_factory=list)
    checks: dict[str, list[tuple[Outcome, Card | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """The same by check; under "" what belongs to none."""
    seconds: float = 0.0
    late: bool = False
    """Whether a deadline passed in the test that failed."""
    crowded: bool = False
    """And whether the machine was too crowded then."""

    def decided(self, check: Check | None) -> bool:
        """Whether no further test can change the outcome. One that needs no browser still can."""
        going_on = (Outcome.PASSED, Outcome.UNAVAILABLE)
        names = {"", check.id if check else ""}
        ended = [one for name in names for one in self.checks.get(name, ())]
        return any(outcome not in going_on for outcome, _ in ended)

    def add(self, check: Check | None, outcome: Outcome, card: Card | None) -> None:
        """Take the outcome of a test. A bonus that fails costs the item nothing."""
        self.checks[check.id if check else ""].append((outcome, card))
        if check and check.bonus and outcome is not Outcome.GRADER_ERROR:
            outcome = Outcome.PASSED
        hidden = check and check.hidden and outcome is not Outcome.GRADER_ERROR
        self.outcomes.append((outcome, HIDDEN if hidden and card else card))

    def worst(self) -> tuple[Outcome, Card | None]:
        """The outcome of the item; a hidden check explains it only if nothing else does."""
        if not self.outcomes:
            return Outcome.GRADER_ERROR, broken("no test of this item ran to its end", [])
        return min(self.outcomes, key=lambda one: (SEVERITY.index(one[0]), one[1] is HIDDEN))

    @property
    def held_up(self) -> bool:
        """Whether a test that all checks need has not passed."""
        return any(outcome is not Outcome.PASSED for outcome, _ in self.checks.get("", ()))

    def without_tests(self, item: Item) -> list[str]:
        """Checks of which no test ran, though nothing held them up. Students lack those of hidden ones."""
        wanted = () if self.held_up or not self.outcomes else item.checks
        return [one.id for one in wanted if not one.hidden and not self.checks.get(one.id)]

    def results(self, item: Item) -> tuple[CheckResult, ...]:
        """The checks that ran. None if a test that all of them need has failed."""
        if self.held_up:
            return ()
        ended = [(one, self.checks[one.id]) for one in item.checks if self.checks.get(one.id)]
        return tuple(
            CheckResult(one, *min(found, key=lambda each: SEVERITY.index(each[0])))
            for one, found in ended
        )


class Grading:
    """The plugin object of one run. `result()` is the only way out."""

    __name__ = PLUGIN  # pytest registers it under this name

    def __init__(self, session: Session) -> None:
        self.session = session
        self._records: dict[str, _Record] = defaultdict(_Record)
        self._uncollected: list[str] = []
        self._missed = 0
        self._flags: list[str] = []
        self.interrupted = False
        """Whether the user pressed Ctrl-C."""

    @property
    def manifest(self) -> Manifest:
        return self.session.manifest

    def result(self) -> WeekResult:
        """The outcome of every item that was asked for."""
        items = []
        for item_id in self.session.reported:
            item, record = self.manifest.item(item_id), self._records[item_id]
            outcome, card = record.worst()
            if not record.outcomes and self._uncollected:
                card = broken("its tests could not be read", self._uncollected)
            late = record.late and outcome in (Outcome.FAILED, Outcome.NOT_GRADABLE)
            if names := record.without_tests(item):
                outcome, card = (
                    Outcome.GRADER_ERROR,
                    broken(f"no test of {', '.join(names)} ran", []),
                )
            checks = record.results(item)
            if checks and card and outcome is Outcome.FAILED:
                shown = (one.text for one in checks if not one.check.hidden)
                card = replace(card, checks="\n".join(shown))
            card = self._finished(item, card)
            crowded = late and record.crowded
            items.append(ItemResult(item, outcome, card, record.seconds, late, crowded, checks))
        walls, flags = str(self.session.walls), (*self._flags, *self.session.flags())
        return WeekResult(self.session.week, tuple(items), self.session.seed, walls, flags)

    def ran(self, item_id: str) -> bool:
        """Whether any test of the item came to an end; false too if `-k` left it out."""
        return bool(self._records[item_id].outcomes or self._uncollected)

    def _finished(self, item: Item, card: Card | None) -> Card | None:
        if card is None:
            return None
        lesson = self.session.week.lessons / item.lesson
        where = f"lessons/{lesson.parent.name}/{lesson.name}"
        return card.pointing_to(f"bootcamp hint {item.id}", where)

    # -- pytest's hooks ----------------------------------------------------------------------

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the wanted items' tests, in the manifest's order."""
        order = {item_id: place for place, item_id in enumerate(self.session.wanted)}
        chosen = [test for test in items if item_of(test) in order]
        config.hook.pytest_deselected(items=[test for test in items if test not in chosen])
        items[:] = sorted(chosen, key=lambda test: order[item_of(test)])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A grader that cannot be imported is the engine's fault: its items say so."""
        if report.failed:
            self._uncollected += report.longreprtext.splitlines()

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, which pytest swallows; `pytest.exit` comes here too."""
        self.interrupted = excinfo.errisinstance(KeyboardInterrupt)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Before any fixture: is the item gradable, and do those it needs stand?"""
        homework = self.manifest.item(item_of(item))
        if self._records[homework.id].decided(_check_of(homework, item)):
            raise Decided(homework.id)
        for needed in homework.needs:
            if self._records[needed].worst()[0] is not Outcome.PASSED:
                raise NeedsFailed(needed)
        self.session.crowd.clear()
        if problem := self.session.problem(homework):
            raise problem
        self.session.run.openai.clear()
        self._missed = DEADLINES.missed

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """No test may hang: after `MAX_TEST_SECONDS` it has failed, unless the reference is too slow too."""
        with time_limit(MAX_TEST_SECONDS):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """Take the outcome from the exception itself."""
        report = yield
        record = self._records[item_of(item)]
        check = _check_of(self.manifest.item(item_of(item)), item)
        record.seconds += call.duration
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, Decided | NeedsFailed):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"{error} did not pass")
        if error is not None and not isinstance(error, Decided):
            outcome, card = self._judge(item_of(item), error)
            record.add(check, outcome, card)
            if self._is_late(error):
                record.late, record.crowded = True, self.session.crowd.too_large
            if isinstance(error, Hung):
                self._flags.append(f"{item_of(item)}: {error}")
            if report.outcome != "skipped":
                report.outcome = "failed"
                report.longrepr = card.text()
        elif error is None and call.when == "call":
            record.add(check, Outcome.PASSED, None)
        return report

    def _is_late(self, error: BaseException) -> bool:
        """Whether the test failed because something took too long, or may have."""
        return (
            isinstance(error, TookTooLong | Hung)
            or DEADLINES.missed > self._missed
            or type(error).__name__ == "TimeoutError"  # also Playwright's
            or bool(self.session.browser.ended)
            or (bool(self.session.ended) and self.session.out_of_time)
        )

    def _judge(self, item_id: str, error: BaseException) -> tuple[Outcome, Card]:
        if page_card := page_blamed(self.session.browser, error):
            error = CheckFailed(page_card)
        if isinstance(error, CheckFailed) and self.session.ended:
            return Outcome.FAILED, replace(error.card, cause=f"ended: {self.session.ended}")
        if isinstance(error, CheckFailed):
            if stub := unwritten(self.session.submission.layer.path, self.manifest.item(item_id)):
                place = raised_at(error.card, item_id) or stub
                undone = f"{place} still says {marker_of(place, item_id)}: write that part"
                # The log would show a traceback to the marker, which the cause names already.
                return Outcome.FAILED, replace(error.card, cause=undone, log=())
            failed = not isinstance(error, NotGradable)
            return Outcome.FAILED if failed else Outcome.NOT_GRADABLE, error.card
        if isinstance(error, Hung):
            return Outcome.FAILED, Card(got=str(error), cause=TOO_SLOW)
        if isinstance(error, Unavailable):
            return Outcome.UNAVAILABLE, error.card
        if isinstance(error, NeedsFailed):
            return self._not_checked(str(error))
        if self.session.ended:
            got = f"{type(error).__name__} in the middle of the check"
            return Outcome.FAILED, Card(got=got, cause=f"ended: {self.session.ended}").cleaned()
        if card := blamed(self.session.run, error):
            return Outcome.FAILED, card
        trace = "".join(traceback.format_exception(error)).splitlines()
        return Outcome.GRADER_ERROR, broken(f"{type(error).__name__}: {error}", trace)

    def _not_checked(self, needed: str) -> tuple[Outcome, Card]:
        """An item that builds on one which did not pass; no zero if that was our own fault."""
        if self._records[needed].worst()[0] is Outcome.GRADER_ERROR:
            return Outcome.GRADER_ERROR, broken(f"on {needed}, which this one builds on", [])
        outcome, card = self._records[needed].worst()
        if outcome is Outcome.UNAVAILABLE and card is not None:
            return Outcome.UNAVAILABLE, replace(card, got=f"{card.got}; {needed} is needed first")
        return Outcome.SKIPPED, skipped_card(needed)


def raised_at(card: Card, item_id: str) -> str:
    """The place that a card names for the scaffold's own error, or ""."""
    found = re.search(rf"NotImplementedError: {re.escape(item_id)} \((\S+ line \d+)\)", card.got)
    return found[1] if found else ""


def marker_of(place: str, item_id: str) -> str:
    """What the scaffold says at a place that nobody has written yet."""
    in_a_script = ".js line " in place
    return f'"{item_id} is not done yet"' if in_a_script else f'NotImplementedError("{item_id}")'


class Hung(BaseException):
    """A test took far too long. No `Exception`, so that no library takes it for its own."""


def broken(what: str, trace: Sequence[str]) -> Card:
    """The card of a grader error."""
    return Card(
        got=f"{BROKE}{what}",
        cause="not your fault, and no zero: run it again, and report it with these lines",
        log=tuple(trace),
    ).cleaned()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `Hung` in the main thread when the block takes longer.

    A backstop: every wait in a grader has a limit of its own. Without SIGALRM, or in another thread,
    there is none.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def expired(number: int, frame: object) -> None:
        raise Hung(f"a check took longer than {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, expired)
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    started = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer:  # a test runner around us has a limit too
            left = outer - (time.monotonic() - started)
            signal.setitimer(signal.ITIMER_REAL, max(left, 0.001))


def item_of(test: pytest.Item) -> str:
    """The item that a test belongs to, or "" for none."""
    mark = test.get_closest_marker("item")
    return str(mark.args[0]) if mark and mark.args else ""


def _check_of(item: Item, test: pytest.Item) -> Check | None:
    """The check of an item that a test belongs to, by the name of its function."""
    return item.check_of(getattr(test, "originalname", None) or test.name)


def grading_run(config: pytest.Config) -> Session | None:
    """The grading run of this pytest, or `None` where nothing is graded (`--collect-only`)."""
    grading = config.pluginmanager.get_plugin(PLUGIN)
    return grading.session if isinstance(grading, Grading) else None
