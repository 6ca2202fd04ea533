"""5.6 over HTTP: the row is written first, then the message is sent, and then comes the answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, OpenAIControl, Run, Worker, broker, fail, until
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.week05_retries.rows import Rows, Settings, due_after, row_of
from autograder.week05_retries.test_5_6_routes import (
    ROW_FIRST,
    failed,
    must_answer,
    must_complete,
    replay,
)

pytestmark = pytest.mark.item("5.6")

DUE_SLACK_SECONDS = 3.0
ASKING_SECONDS = 5.0
"""How long a worker's question for a message lasts at most."""
SILENT_SECONDS = 2.5
"""How long Redis is silent. The API waits longer than that for an answer of Redis."""


def test_the_row_is_written_first(
    api: Api,
    worker: Worker,
    run: Run,
    table: Rows,
    openai: OpenAIControl,
    dynamodb_proxy: DynamoDBProxy,
    settings: Settings,
    rng: Random,
) -> None:
    """o, p: before the row is written, nothing is sent to the broker. The outbox sends no second message."""
    one = failed(run, table, rng)
    sent = "POST /dead-letters/{job_id}/replay"
    before, early, due = 0, list[int](), list[float]()

    def look(request: Request) -> bool:
        if request.writes and request.names(one.id):
            row = row_of(table, one.id)
            if row.get("status") == "failed":
                early.append(messages(run) - before)
            elif row.get("status") == "pending" and (seconds := due_after(row)) is not None:
                due.append(seconds)
        return True

    with dynamodb_proxy.watching(look):
        with worker.paused():  # so that a message stays where it can be counted
            until(lambda: not asking(run), ASKING_SECONDS)
            before = messages(run)
            must_answer(api, sent, replay(api, one.id), 202)
        if any(early):
            fail(
                sent=sent,
                expected="the row is written, then the message is sent",
                got="the message was sent before the row was written",
                cause=ROW_FIRST,
            )
        must_complete(sent, table, worker, openai, one, ROW_FIRST)
    wanted = settings.publish_seconds
    if due and abs(due[0] - wanted) > DUE_SLACK_SECONDS:
        fail(
            sent=f"{sent} (PUBLISH_SECONDS {wanted})",
            expected=f"the row due {wanted} s after its write, when the message that you send counts as lost",
            got=f"due after {due[0]:.1f} s",
            cause="call `replay` without `due_in`: a row that is due earlier makes the outbox send a second "
            "message, and one that is due later finds a lost message too late",
        )


def messages(run: Run) -> int:
    """Return how many messages a worker could take now, from all queues."""
    return len(broker.waiting(run))


def asking(run: Run) -> int:
    """Return how many clients of Redis wait for a message. Redis gives it to them, and to no queue.

    A worker that is paused has asked before that, and its question ends after a second.
    """
    known: Any = broker.database(run, broker.BROKER).info("clients")
    return int(known.get("blocked_clients", 0))


def test_the_answer_waits_for_the_message(
    api: Api, worker: Worker, run: Run, table: Rows, openai: OpenAIControl, rng: Random
) -> None:
    """p: while Redis does not take the message, there is no answer yet."""
    one = failed(run, table, rng)
    sent = "POST /dead-letters/{job_id}/replay, while Redis accepts connections and does not answer"
    with worker.paused(), ThreadPoolExecutor(1) as pool, broker.silent(run, SILENT_SECONDS) as over:
        answer = pool.submit(replay, api, one.id)
        until(lambda: answer.done() or over.is_set(), 2 * SILENT_SECONDS)
        early = not over.is_set()
    must_answer(
        api, sent, answer.result(), 202, "the outbox sends the message if the broker does not"
    )
    if early:
        fail(
            sent=sent,
            expected="an answer when the message is sent, or when it could not be sent",
            got="202 before that",
            cause="`await announce(…)`. If nobody awaits it, the message is lost when the process stops now",
        )
    table.make_due(one.id)
    must_complete(sent, table, worker, openai, one, ROW_FIRST)
