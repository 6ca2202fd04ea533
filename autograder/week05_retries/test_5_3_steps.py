"""5.3: what runs again after a transient error, as the provider, the table and the broker show it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from autograder.sdk import Fault, fail, until
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.week05_retries import rows
from autograder.week05_retries.retrying import held_by_broker
from autograder.week05_retries.rows import (
    DONE_SECONDS,
    LOOK_SECONDS,
    Submitted,
    asked,
    due_after,
    is_waiting,
    row_of,
    submit,
)
from autograder.week05_retries.scene import (
    SLACK,
    Scene,
    check_count,
    check_requests,
    check_steps_before,
    spoiling,
    too_early,
)

pytestmark = pytest.mark.item("5.3")

ASKED_SECONDS = 0.9
"""The wait that the provider asks for first. With jitter it is still below `BROKER_WAIT_SECONDS`."""
LATE_SECONDS = 5.0


@dataclass
class FirstRetry:
    """The first retry delay, as observed in the table and in the broker."""

    early: bool = False
    """Whether the message was in the broker before the row was written."""
    written: list[float] = field(default_factory=list)
    """When the row was written after a failure, on the monotonic clock."""
    due: list[float] = field(default_factory=list)
    """The seconds from the row's write until it is due, at each failure."""
    held: bool = False
    """Whether the broker held a delayed message for it."""


def test_a_step_that_fails_and_passes(scene: Scene, dynamodb_proxy: DynamoDBProxy) -> None:
    """a, b, d, e: four failures, then a success. The row is written at once, before the message is sent."""
    one = submit(scene.run, scene.table, scene.rng, due_at=rows.moment(rows.LONG))
    wait = Fault.status(429, retry_after_ms=round(ASKED_SECONDS * 1000))
    faults = [wait, Fault.status(503, times=2), Fault.drop()]
    scene.openai.script(*(spoiling(one, fault) for fault in faults))
    sent = f"a document; the provider answers 429 (retry-after-ms: {ASKED_SECONDS * 1000:g}), 503, 503, "
    sent += "nothing, and then 200"
    seen = follow(scene, dynamodb_proxy, one)
    if seen.early:
        fail(
            sent=sent,
            expected="the row is written before the message is sent",
            got="the message was in the broker before the row was written",
            cause="a fast worker gets the message while the job still has its lease, and drops the retry",
        )
    row = scene.completed(one, sent, 0.0)
    check_requests(scene, sent, one, [429, 503, 503, None, 200])
    first, second = asked(scene.openai, one)[:2]
    gap = second.started - (first.ended or first.started)
    if gap < ASKED_SECONDS * SLACK:
        too_early(
            sent, f"a retry at least {ASKED_SECONDS:g} s after the 429", f"{gap:.2f} s after it"
        )
    check_slot(scene, sent, one, seen)
    check_due(scene, sent, seen)
    check_steps_before(scene, sent, one, row)
    check_count(scene, sent, row, 4)


def follow(scene: Scene, dynamodb_proxy: DynamoDBProxy, one: Submitted) -> FirstRetry:
    """Let the job run to its end, and look at each of its writes before it arrives."""
    seen = FirstRetry()

    def look(request: Request) -> bool:
        if request.writes and request.names(one.id):
            row = row_of(scene.table, one.id)
            if is_waiting(row) and (due := due_after(row)) is not None:
                seen.due.append(due)
            elif b"failures" in request.body:
                seen.early |= not seen.written and bool(held_by_broker(scene.run, {one.id}))
                seen.written.append(time.monotonic())
        return True

    def ended() -> bool:
        if len(asked(scene.openai, one)) == 1:
            seen.held |= bool(held_by_broker(scene.run, {one.id}))
        return row_of(scene.table, one.id).get("status") in ("completed", "failed", "cancelled")

    with dynamodb_proxy.watching(look):
        scene.table.make_due(one.id)
        until(ended, DONE_SECONDS, LOOK_SECONDS)
    return seen


def check_slot(scene: Scene, sent: str, one: Submitted, seen: FirstRetry) -> None:
    """Check that the delay takes no slot of the worker: a message or the row keeps it."""
    first = asked(scene.openai, one)[0]
    answered = first.ended or first.started
    kept_by_row = bool(seen.due) and ASKED_SECONDS * SLACK < seen.due[0] < LATE_SECONDS
    slow = bool(seen.written) and seen.written[0] - answered > ASKED_SECONDS * SLACK
    if slow and not seen.held and not kept_by_row:
        fail(
            sent=sent,
            expected="the row is written at once, then a message or the row keeps the delay",
            got=f"the row was written {seen.written[0] - answered:.2f} s after the answer, and neither a "
            "message nor the row kept a delay",
            cause="the step slept in the worker (`time.sleep`), but a delay must not occupy a slot",
        )


def check_due(scene: Scene, sent: str, seen: FirstRetry) -> None:
    """Check that a message keeps the delay, and that the row is due when this message counts as lost."""
    if not seen.due:
        return
    redrive = scene.settings.redrive_seconds
    least = redrive + ASKED_SECONDS * SLACK
    if not least <= seen.due[0] <= redrive + ASKED_SECONDS + LATE_SECONDS:
        early = seen.due[0] < least
        cause = "make the row due after `wait + redrive_seconds`, and `wait` respects `asked_wait(error)`: "
        cause += (
            "a row that is due earlier makes the outbox restart the job while its message still waits"
            if early
            else "a row that is due later finds a lost message too late"
        )
        if early and not seen.held:
            cause = "up to BROKER_WAIT_SECONDS a message keeps the delay. Return `RetryAfter(wait, error)` "
            cause += "and make the row due after `wait + redrive_seconds`"
        fail(
            sent=f"{sent} (REDRIVE_SECONDS {redrive})",
            expected=f"the row due {redrive} s after the end of the delay: in {redrive + ASKED_SECONDS:g} s "
            "or a little more",
            got=f"due after {seen.due[0]:.2f} s",
            cause=cause,
        )
