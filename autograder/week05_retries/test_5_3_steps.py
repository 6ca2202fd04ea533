"""5.3: what runs again after a failure that passes, as provider, table and broker see it."""

from __future__ import annotations

import pytest

from autograder.sdk import Fault, fail
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.week05_retries import rows
from autograder.week05_retries.retrying import held_by_broker
from autograder.week05_retries.rows import asked, ended, submit
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


def test_a_step_that_fails_and_passes(scene: Scene, dynamodb_proxy: DynamoDBProxy) -> None:
    """Three failures, then all is well. The row is written before the message is sent."""
    early: list[bool] = []
    one = submit(scene.run, scene.table, scene.rng, due_at=rows.moment(rows.LONG))
    faults = [Fault.status(503, times=2), Fault.drop(), Fault.status(429, retry_after_ms=300)]
    scene.openai.script(*(spoiling(one, fault) for fault in faults))
    sent = "a document; the provider answers 503, 503, nothing, 429 (retry-after-ms: 300), and then 200"

    def look() -> None:
        early.append(bool(held_by_broker(scene.run, {one.id})))

    def hands_over(request: Request) -> bool:
        return request.writes and request.names(one.id) and b"failures" in request.body

    with dynamodb_proxy.before(look, hands_over):
        scene.table.make_due(one.id)
        ended(scene.table, one.id)
    if any(early):
        fail(
            sent=sent,
            expected="first the row is written, then the message is sent",
            got="the message was there before the row",
            cause="a worker that is quick finds the job still taken, and drops the retry",
        )
    row = scene.completed(one, sent, 0.0)
    check_requests(scene, sent, one, [503, 503, None, 429, 200])
    check_steps_before(scene, sent, one, row)
    check_count(scene, sent, row, 4)
    entries = asked(scene.openai, one)
    gap = entries[4].started - (entries[3].ended or entries[3].started)
    if gap < 0.3 * SLACK:
        too_early(sent, "0.3 s after the 429 at the soonest", f"{gap:.2f} s after it")
