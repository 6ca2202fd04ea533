"""2.1: how a message is published, and what the route waits for."""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Api, Run, Worker, broker, fail, until, uploading
from autograder.week02_api import queue_view
from autograder.week02_api.inside import Inside
from autograder.week02_api.redis_proxy import RedisProxy

pytestmark = pytest.mark.item("2.1")

RETRY_ONCE = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0, "interval_max": 0.1}
"""PUBLISH_POLICY of `pipeline/queueing.py`, which is given."""
SETTLE_SECONDS = 2.0
"""A message that is published after the response may still arrive. Item 2.5 checks that."""
MOST_READS = 3
"""To publish, Celery reads the state once. A client of the API may ask for it, and the API may not."""


def text(rng: Random) -> bytes:
    return f"{rng.getrandbits(200):050x} wrote the keeper.\n".encode()


def test_celery_retries_once(inside: Inside, rng: Random) -> None:
    """f, i: the options with which `enqueue` publishes."""
    sent = "enqueue() of a document, whose message the check takes before it is published"
    messages = inside.call(sent, "enqueue", f"{rng.getrandbits(64):x}")
    options = messages[0] if isinstance(messages, list) and len(messages) == 1 else {}
    if not isinstance(options, dict) or options.get("name") != "pipeline.process_document":
        fail(
            sent=sent,
            expected="one message, for the task that `document_task()` returns",
            got=messages,
            cause="publish once, with the method `apply_async` of `document_task()`",
        )
    if options.get("retry") is False or options.get("retry_policy") != RETRY_ONCE:
        fail(
            sent=sent,
            expected=f"a message with the retry_policy {RETRY_ONCE}",
            got=f"retry={options.get('retry')}, retry_policy={options.get('retry_policy')}",
            cause="Celery does not retry. A first attempt may use a connection that Redis has closed "
            "meanwhile, so one retry is needed: leave out `retry=False`"
            if options.get("retry") is False
            else "Celery retries three times by default, which takes longer than a client waits. Pass "
            "`retry_policy=PUBLISH_POLICY` to `apply_async`",
        )


def test_nothing_waits_for_the_worker(
    proxied: Api, proxy: RedisProxy, run: Run, worker: Worker, rng: Random
) -> None:
    """j: while no worker takes messages, the route does not ask for the state of the task."""
    sent = "an upload, while no worker takes messages"
    with broker.not_taken(run, worker), proxy.counting():
        one = uploading.accepted(proxied, uploading.upload(proxied, text(rng), "keeper.txt"), sent)
        reads = proxy.states_read
        waits = until(lambda: queue_view.message(run, one.task_id), SETTLE_SECONDS)
    if reads > MOST_READS:
        fail(
            sent=sent,
            expected="202 as soon as the message is in the queue",
            got=f"202 after the API had read the task's state {reads} times",
            cause="the route waits for the task, in a loop that reads its state. It must only wait "
            "until the document is accepted",
        )
    if not waits:
        fail(
            sent=sent,
            expected="its message in the queue",
            got="202, and no message",
            cause="the message is published later, or not at all",
        )
