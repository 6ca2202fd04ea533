"""6.5: a resend writes the row first, and tells a worker then."""

from __future__ import annotations

import contextlib
from random import Random

import pytest

from autograder.sdk import fail, until
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import Item
from autograder.week06_webhooks.client import WebhookClient
from autograder.week06_webhooks.rows import id_of
from autograder.week06_webhooks.test_6_5_resend import ANY_STATUS, ended

pytestmark = pytest.mark.item("6.5")


def test_the_row_is_written_first(
    client: WebhookClient, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """k: while the write is on its way, no worker has got a message."""
    hook = client.register("ordered")
    item = ended(rng, hook)
    client.table.put(item)
    early: list[Request] = []
    sent = "POST /deliveries/{id}/resend of a delivered one, while DynamoDB is slow to write"

    def is_restart(request: Request) -> bool:
        return request.writes and request.names(item["id"]) and b"tries_before" in request.body

    with contextlib.ExitStack() as pause:
        pause.enter_context(client.worker.paused())

        def hold() -> None:
            before = len(seen)
            pause.close()
            until(lambda: len(about(item, seen[before:])) > 0, LOOK_SECONDS)
            early.extend(about(item, seen[before:]))

        with dynamodb_proxy.before(hold, is_restart) as seen:
            client.must(sent, 202, "POST", f"/deliveries/{id_of(item)}/resend", ANY_STATUS)
    if early:
        fail(
            sent=sent,
            expected="first the row is written, then the message is sent",
            got="a worker reads the delivery, and its row is not written yet",
            cause="a fast worker sees a delivery that is not due, and drops the message. Await "
            "`tell_a_worker` after `send_again` has returned",
        )


LOOK_SECONDS = 1.5
"""In this time, a worker that has got a message reads the delivery."""


def about(item: Item, seen: list[Request]) -> list[Request]:
    return [one for one in seen if one.names(item["id"])]
