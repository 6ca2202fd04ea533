"""5.3: long retry delays: their length, where they are kept, and that they survive the loss of Redis."""

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
"""How often the third step of these jobs has failed, so that their delays are long."""
ASKING = 5
"""How many jobs the provider asks to wait."""
GROWING = 8
"""How many jobs are used to find a long delay. All eight are short once in a million runs."""
ASKED_SECONDS = 40.0
ALIKE_SECONDS = 0.02
"""If the delays of many jobs differ by less than this, they have no jitter."""


def test_long_delays(scene: Scene) -> None:
    """a, c, e: delays that grow, that the provider asks for, and that survive the loss of Redis."""
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
    """Wait until each job waits for its retry or has ended. Return the delays that the rows keep."""
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
    """Check jobs that were asked to wait 40 seconds: the row keeps the delay, not a message."""
    sent = f"{len(jobs)} documents; the provider answers 429 with Retry-After: {ASKED_SECONDS:g}"
    waits = waiting_of(scene, jobs)
    held = held_by_broker(scene.run, {one.id for one in jobs})
    held = [message for message in held if message.due - time.time() > ASKED_SECONDS / 4]
    expected = f"each job's row due after {ASKED_SECONDS:g} s or a little more, and no message"
    if held:
        fail(
            sent=sent,
            expected=expected,
            got=f"{len(held)} messages that a worker holds",
            cause=f"{ASKED_SECONDS:g} s is above BROKER_WAIT_SECONDS, so the row must keep the delay: Redis "
            "delivers a message that waits long a second time, and loses it in a crash",
        )
    missing = [one for one in jobs if one.id not in waits]
    if missing:
        early = scene.settings.backoff_cap_seconds + 2  # the longest delay that ignores `asked`
        again = until(lambda: [one for one in missing if len(asked(scene.openai, one)) > 1], early)
        row = row_of(scene.table, (again or missing)[0].id)
        fail(
            sent=sent,
            expected=expected,
            got=f"{shown(row)}" + (", and a second request came too early" if again else ""),
            cause="`wait` contains what the provider asked for: pass it to `hand_over` unchanged"
            if again
            else "a waiting step has no lease and takes no slot (no sleep), and its row is due when "
            "the delay ends",
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
            cause="pass `wait`, and nothing more, to `hand_over` as its seconds",
        )
    if found[-1] - found[0] < ALIKE_SECONDS:
        fail(
            sent=sent,
            expected="delays that differ",
            got=f"{spread}: they retry together",
            cause="use `wait` unchanged: it contains the jitter of `backoff`",
        )
    for one in jobs:
        check_count(scene, sent, row_of(scene.table, one.id), SEASONED + 1)


def check_growth(scene: Scene, jobs: list[Submitted]) -> None:
    """Check that the number of the attempt comes from the row, not from the message."""
    settings, attempt = scene.settings, SEASONED + 1
    sent = f"{len(jobs)} documents whose third step has failed {SEASONED} times; it fails once more"
    waits = sorted(waiting_of(scene, jobs).values())
    longest = settings.backoff_cap_seconds
    expected = f"waits from 0 to {longest:g} s: attempt {attempt}, base "
    expected += f"{settings.backoff_base_seconds:g} s, cap {longest:g} s"
    if not waits or waits[-1] < settings.backoff_base_seconds * 3:
        row = row_of(scene.table, jobs[0].id)
        seen = f"the longest is {waits[-1]:.2f} s" if waits else "no row keeps a delay"
        fail(
            sent=sent,
            expected=expected,
            got=f"{seen}; the first job: {shown(row)}",
            cause="use `attempt`, which comes from the row: Celery's own count begins at zero with each "
            "new message",
            log=scene.log(),
        )
    if waits[-1] > longest * 1.05:
        cause = "BACKOFF_CAP_SECONDS is the longest wait if the provider did not ask for one"
        fail(sent=sent, expected=expected, got=f"{waits[-1]:.2f} s", cause=cause)
    if len(waits) > 2 and waits[-1] - waits[0] < ALIKE_SECONDS:
        fail(
            sent=sent,
            expected=expected,
            got=f"all {waits[0]:.2f} s: they retry together",
            cause="use `wait` unchanged: it contains the jitter of `backoff`",
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
    """Check that a delay ends although Redis lost everything. One job is cancelled while it waits."""
    one, cancelled = jobs[:2]
    scene.table.cancel(cancelled.id)
    broker.database(scene.run, broker.BROKER).flushdb()
    scene.table.make_due(one.id)
    check_again(scene, "a job that waits; Redis loses everything; then the job is due", one)
    count = len(asked(scene.openai, cancelled))
    if count != 1 or row_of(scene.table, cancelled.id).get("status") != "cancelled":
        fail(
            sent="a job that is cancelled while its step waits",
            expected="the job stays cancelled, and there is no second request",
            got=f"{shown(row_of(scene.table, cancelled.id))} and {count} requests",
        )


def check_last_attempt(scene: Scene, one: Submitted) -> None:
    """Check that the count on the row decides which attempt is the last."""
    most = scene.settings.max_attempts
    sent = f"a document whose third step has failed {most - 2} times and fails again "
    sent += f"(MAX_ATTEMPTS {most})"
    if waiting_of(scene, [one]):
        scene.table.make_due(one.id)
    until(lambda: len(asked(scene.openai, one)) >= 2, DONE_SECONDS)
    ended(scene.table, one.id, 2.0)  # whether it ends as failed is checked by 5.4
    check_requests(scene, sent, one, [500, 500])
    check_steps_before(scene, sent, one, row_of(scene.table, one.id))


def check_date(scene: Scene, one: Submitted, date: int) -> None:
    """Check that a date in Retry-After is respected."""
    sent = "a document; the provider answers 503 with a date in Retry-After, 3 s from now"
    check_again(scene, sent, one)
    first, second = asked(scene.openai, one)
    back, until = second.started, rows.monotonic_of(date)
    if until - (first.ended or first.started) > 0.5 and back < until - 0.3:
        too_early(sent, "a retry after that date", f"a retry {until - back:.1f} s before it")
