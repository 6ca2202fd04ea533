"""2.3: which reports `Reporter` stores for a series of calls."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.week02_api.inside import Inside

pytestmark = pytest.mark.item("2.3")

Call = tuple[str, int, int]
EVERY = 10
"""REPORT_EVERY in the exercise."""


def percents_of(calls: list[Call], every: int) -> list[int | None]:
    """Return what each call must report, or None."""
    last, found = -every, []
    for _, done, total in calls:
        percent = 100 * done // total if total else 100
        due = percent >= last + every or percent == 100 > last
        found.append(percent if due else None)
        last = percent if due else last
    return found


def check(inside: Inside, calls: list[Call], cause: str, every: int = EVERY) -> None:
    """Make these calls on a new Reporter, and compare the report of each."""
    shown = ", ".join(f"report({step!r}, {done}, {total})" for step, done, total in calls)
    sent = f"{shown} on a new Reporter, while REPORT_EVERY is {every}"
    said = inside.dict(sent, "progress", [list(one) for one in calls], every=every)
    reports = said.get("reports")
    got = [stored_by(one) for one in reports] if isinstance(reports, list) else []
    wanted: list[Any] = [
        None if percent is None else ["PROGRESS", {"step": step, "percent": percent}]
        for (step, _, _), percent in zip(calls, percents_of(calls, every), strict=True)
    ]
    if len(got) != len(calls):
        fail(sent=sent, expected=f"{len(calls)} calls that return", got=f"{len(got)} of them")
    if said.get("logged"):
        fail(
            sent=sent,
            expected="no error in `_report`",
            got="an error, which `report` logged",
            cause="`_report` raised an exception, for example a ZeroDivisionError for a `total` of 0",
        )
    for call, one, right in zip(calls, got, wanted, strict=True):
        if written(one) != written(right):
            step, done, total = call
            fail(
                sent=sent,
                expected=f"report({step!r}, {done}, {total}) stores {right or 'nothing'}",
                got=one or "nothing",
                cause=cause,
            )
    last = [one for one in percents_of(calls, every) if one is not None][-1]
    if said.get("percent") != last:
        fail(
            sent=sent,
            expected=f"`self.percent` is {last}, the last reported percent",
            got=said.get("percent"),
            cause="store the reported percent itself in `self.percent`",
        )


def written(report: Any) -> str:
    """Return a report as text, in which 0 and 0.0 differ."""
    return json.dumps(report, sort_keys=True)


def stored_by(call: object) -> Any:
    """Return state and meta of the report that a call has stored, or None."""
    if not isinstance(call, list) or not call:
        return None
    return call[0][1:] if len(call) == 1 and isinstance(call[0], list) else call


def test_the_percent(inside: Inside, rng: Random) -> None:
    """a: whole numbers, rounded down, for every percent; and documents without a byte."""
    cause = (
        "the percent is `100 * done // total`: multiply first, and divide whole numbers. A float or "
        "`round` gives another number, such as 28 for 29 of 100 or 100 before the end"
    )
    for percent in range(100):
        check(inside, [("counting", percent, 100)], cause)
    total = rng.randint(10**6, 10**9)
    for done in (total - 1, total // 3, total // 2, 1):
        check(inside, [("counting", done, total)], cause)
    check(inside, [("counting", 0, 0)], "for a `total` of 0, the percent is 100")


def test_which_calls_report(inside: Inside, rng: Random) -> None:
    """b, d: every report is at least ten percent after the last one, and 100 is reported once."""
    start = rng.randint(1, 9)
    every = [("counting", done, 100) for done in range(101)]
    check(
        inside,
        every,
        "report if the percent is at least `REPORT_EVERY` higher than `self.percent`, the last "
        "reported one, and report 100",
    )
    check(
        inside,
        [("counting", done, 100) for done in range(start, 101)],
        "compare with `self.percent`, the last reported percent, and not with multiples of ten",
    )
    twice = [("counting", 95, 100), ("counting", 100, 100), ("counting", 100, 100)]
    check(inside, twice, "100 is always reported, and only once")
    check(inside, [("counting", 0, 0)] * 2, "100 is reported only once, also for a `total` of 0")
    steps = [("parsing", 0, 100), ("counting", 3, 100), ("storing", 9, 100), ("storing", 10, 100)]
    check(inside, steps, "only the percent decides, and not that the step has another name")
    other = rng.choice([3, 7, 25, 40])
    check(inside, every, "compare with `REPORT_EVERY`, and not with a number", every=other)


def test_a_second_document(inside: Inside) -> None:
    """d: a new Reporter starts from the beginning, in the same process."""
    calls = [("counting", 0, 100), ("counting", 50, 100), ("counting", 100, 100)]
    for _ in range(2):
        check(
            inside,
            calls,
            "the last percent is stored on the task or in the module, which live as long as the "
            "process. Store it in `self.percent`",
        )


def test_the_meta(inside: Inside, rng: Random) -> None:
    """c: the state PROGRESS, with the step that was passed in."""
    step = f"step-{rng.getrandbits(32):x}"
    calls = [(step, 0, 100), ("parsing", 40, 100), (step, 100, 100)]
    check(
        inside,
        calls,
        "the meta is a dict with exactly two keys, 'step' as it was passed in and 'percent', and the "
        "state is `PROGRESS`",
    )


def test_an_error_is_not_hidden(inside: Inside) -> None:
    """e: the result backend raises an error, which `report` logs."""
    sent = "report('counting', 0, 100), while the result backend raises a ConnectionError"
    said = inside.dict(sent, "progress", [["counting", 0, 100]], fails=True)
    if said.get("logged") != 1:
        fail(
            sent=sent,
            expected="one line of `report` in the log, and no other effect",
            got=f"{said.get('logged')} lines",
            cause="`_report` caught the error, so nobody learns of it. Let it pass: `report` logs it",
        )
