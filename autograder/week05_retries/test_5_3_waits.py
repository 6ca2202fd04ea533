"""5.3: steps that wait long: how long, on which record, and what outlives Redis."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from autograder.sdk import Fault, broker, fail, until
from autograder.week05_retries import rows
from autograder.week05_retries.retrying import held_by_broker, wait_on_row
from autograder.week05_retries.rows import (
    DONE_SECONDS,
    Submitted,
    asked,
    ended,
    failed_before,
    row_of,
    shown,
)
from autograder.week05_retries.scene import (
    SLACK,
    Scene,
    check_count,
    check_requests,
    check_steps_before,
    too_early,
)

pytestmark = pytest.mark.item("5.3")

SEASONED = 7
"""Jobs whose third step has failed often: they wait long."""
ASKING = 5
"""Jobs that the provider asks to wait."""
GROWING = 8
"""Jobs of which one at least must wait long: all eight short, by chance, happens once in a million."""
ASKED_SECONDS = 40.0
ALIKE_SECONDS = 0.02
"""Waits of many jobs that all lie within this are one wait."""


def test_what_waits_long(scene: Scene) -> None:
    """Waits that grow, that are asked for, and that outlive Redis."""
    told = Fault.status(429, retry_after=ASKED_SECONDS)
    often = SEASONED
    asked_to = [scene.spoiled(told, **failed_before(often)) for _ in range(ASKING)]
    failing = [scene.spoiled(Fault.status(503), **failed_before(often)) for _ in range(GROWING)]
    last = scene.settings.max_attempts - 2
    doomed = scene.spoiled(Fault.status(500, times=None), **failed_before(last))
    date = int(time.time()) + 3
    on_date = Fault.status(503, headers={"retry-after": formatdate(date, usegmt=True)})
    dated = scene.spoiled(on_date)

    check_asked(scene, asked_to)
    check_growth(scene, failing)
    check_loss(scene, asked_to)
    check_last_attempt(scene, doomed)
    check_date(scene, dated, date)


def waiting_of(scene: Scene, jobs: list[Submitted]) -> dict[str, float]:
    """How long each of these jobs waits by its row, once each has failed and waits, or is done."""
    found: dict[str, float] = {}

    def look() -> bool:
        settled, known = 0, scene.table.jobs()
        for one in jobs:
            row = known.get(one.id, {})
            seconds = wait_on_row(row, scene.settings)
            if seconds is not None:
                found.setdefault(one.id, seconds)
            over = row.get("status") in ("completed", "failed", None)
            settled += one.id in found or over or rows.is_waiting(row)
        return settled == len(jobs)

    until(look, DONE_SECONDS, rows.LOOK_SECONDS)
    return found


def check_asked(scene: Scene, jobs: list[Submitted]) -> None:
    """All were told 40 seconds. The row keeps that wait, and not a message."""
    sent = f"{len(jobs)} documents; the provider answers 429 with Retry-After: {ASKED_SECONDS:g}"
    waits = waiting_of(scene, jobs)
    held = held_by_broker(scene.run, {one.id for one in jobs})
    held = [message for message in held if message.due - time.time() > ASKED_SECONDS / 4]
    expected = f"each job's row due after {ASKED_SECONDS:g} s and a little, and no message"
    if held:
        fail(
            sent=sent,
            expected=expected,
            got=f"{len(held)} messages that wait with a worker",
            cause=f"{ASKED_SECONDS:g} s is above BROKER_WAIT_SECONDS: Redis delivers a message that "
            "waits long a second time, and forgets it when it goes down",
        )
    missing = [one for one in jobs if one.id not in waits]
    if missing:
        early = (
            scene.settings.backoff_cap_seconds + 2
        )  # a wait that knows nothing of what was asked
        again = until(lambda: [one for one in missing if len(asked(scene.openai, one)) > 1], early)
        row = row_of(scene.table, (again or missing)[0].id)
        fail(
            sent=sent,
            expected=expected,
            got=f"{shown(row)}" + (", and asked again already" if again else ""),
            cause="`asked_wait(error)` belongs into `backoff`"
            if again
            else "a step that waits has no lease, takes no slot (no sleep), and its row is due when "
            "the wait ends",
            log=scene.log(),
        )
    found = sorted(waits.values())
    spread = f"from {found[0]:.2f} to {found[-1]:.2f} s"
    if found[0] < ASKED_SECONDS * SLACK:
        too_early(sent, f"{ASKED_SECONDS:g} s at least", spread)
    if found[-1] > 1.1 * ASKED_SECONDS + scene.settings.backoff_cap_seconds:
        fail(
            sent=sent,
            expected="about what was asked for",
            got=spread,
            cause="`hand_over`'s seconds",
        )
    if found[-1] - found[0] < ALIKE_SECONDS:
        fail(
            sent=sent,
            expected="waits that differ",
            got=f"{spread}: they come back together",
            cause="the wait is what `backoff` says, jitter and all",
        )
    for one in jobs:
        check_count(scene, sent, row_of(scene.table, one.id), SEASONED + 1)


def check_growth(scene: Scene, jobs: list[Submitted]) -> None:
    """The attempt's number comes from the row, not from a message that is new."""
    settings, attempt = scene.settings, SEASONED + 1
    sent = f"{len(jobs)} documents whose third step has failed {SEASONED} times; it fails once more"
    waits = sorted(waiting_of(scene, jobs).values())
    longest = settings.backoff_cap_seconds
    expected = f"waits from 0 to {longest:g} s: attempt {attempt}, base "
    expected += f"{settings.backoff_base_seconds:g} s, cap {longest:g} s"
    if not waits or waits[-1] < settings.backoff_base_seconds * 3:
        row = row_of(scene.table, jobs[0].id)
        seen = f"the longest is {waits[-1]:.2f} s" if waits else "no row waits"
        fail(
            sent=sent,
            expected=expected,
            got=f"{seen}; the first job: {shown(row)}",
            cause="`attempt` is the number of the one that failed: Celery's own count begins at zero "
            "with each new message",
            log=scene.log(),
        )
    if waits[-1] > longest * 1.05:
        cause = "BACKOFF_CAP_SECONDS is the longest wait where nothing is asked for"
        fail(sent=sent, expected=expected, got=f"{waits[-1]:.2f} s", cause=cause)
    if len(waits) > 2 and waits[-1] - waits[0] < ALIKE_SECONDS:
        fail(
            sent=sent,
            expected=expected,
            got=f"all {waits[0]:.2f} s: they come back together",
            cause="the wait is what `backoff` says, jitter and all",
        )
    scene.table.make_due(*waiting_of(scene, jobs))
    for one in jobs:
        check_again(scene, f"{sent}, and then passes", one)


def check_again(scene: Scene, sent: str, one: Submitted) -> None:
    row = scene.completed(one, sent)
    failed = [entry.status for entry in asked(scene.openai, one)[:1]]
    check_requests(scene, sent, one, [*(failed or [None]), 200])
    check_steps_before(scene, sent, one, row)


def check_loss(scene: Scene, jobs: list[Submitted]) -> None:
    """Redis forgets all. The wait ends all the same. One job is cancelled while it waits."""
    one, cancelled = jobs[:2]
    scene.table.cancel(cancelled.id)
    broker.database(scene.run, broker.BROKER).flushdb()
    scene.table.make_due(one.id)
    check_again(scene, "a job that waits; Redis loses everything; then its time has come", one)
    count = len(asked(scene.openai, cancelled))
    if count != 1 or row_of(scene.table, cancelled.id).get("status") != "cancelled":
        fail(
            sent="a job that is cancelled while its step waits",
            expected="it stays cancelled, and no second request",
            got=f"{shown(row_of(scene.table, cancelled.id))} and {count} requests",
        )


def check_last_attempt(scene: Scene, one: Submitted) -> None:
    """The row's count decides which attempt is the last."""
    most = scene.settings.max_attempts
    sent = f"a document whose third step has failed {most - 2} times and goes on failing "
    sent += f"(MAX_ATTEMPTS {most})"
    if waiting_of(scene, [one]):
        scene.table.make_due(one.id)
    until(lambda: len(asked(scene.openai, one)) >= 2, DONE_SECONDS)
    ended(scene.table, one.id, 2.0)  # or it does not end: that is another item's matter
    check_requests(scene, sent, one, [500, 500])
    check_steps_before(scene, sent, one, row_of(scene.table, one.id))


def check_date(scene: Scene, one: Submitted, date: int) -> None:
    """Retry-After may be a date."""
    sent = "a document; the provider answers 503 with a date in Retry-After, 3 s from now"
    check_again(scene, sent, one)
    first, second = asked(scene.openai, one)
    back, until = second.started, rows.monotonic_of(date)
    if until - (first.ended or first.started) > 0.5 and back < until - 0.3:
        too_early(sent, "not before that date", f"{until - back:.1f} s before it")
