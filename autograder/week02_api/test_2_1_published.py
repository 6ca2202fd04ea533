"""2.1: how a message is published, seen by a proxy between the API and Redis."""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Api, Run, Worker, fail, uploading
from autograder.week02_api import queue_view
from autograder.week02_api.redis_proxy import RedisProxy

pytestmark = pytest.mark.item("2.1")

CONNECTS = (1, 2)
"""How often Celery connects again with PUBLISH_POLICY. It connects four times by default."""
MOST_READS = 3
"""To publish, Celery reads the state once. A client of the API may ask for it, and the API may not."""


def text(rng: Random) -> bytes:
    return f"{rng.getrandbits(200):050x} wrote the keeper.\n".encode()


def test_celery_retries_once(
    proxied: Api, proxy: RedisProxy, run: Run, worker: Worker, rng: Random
) -> None:
    """i: Redis closes the connection of everybody who publishes."""
    sent = "an upload, while Redis stores states and closes the connection at each message"
    with queue_view.nobody_takes_messages(run, worker), proxy.refusing():
        status = uploading.upload(proxied, text(rng), "keeper.txt").status_code
        published, connects = proxy.published, proxy.connects
    if status == 202 or not published:
        fail(
            sent=sent,
            expected="a message that is published before the response, and no 202 without it",
            got=f"{status}, and {published} messages",
            cause="the client was told that the document is accepted, but it is in no queue: the error "
            "was caught and not raised, or the message is published after the response",
        )
    if not CONNECTS[0] <= connects <= CONNECTS[1]:
        fail(
            sent=sent,
            expected="one retry: after the first message, one or two new connections",
            got=f"{connects} new connections",
            cause="Celery does not retry. A first attempt may use a connection that Redis has closed "
            "meanwhile, so one retry is needed: pass `retry_policy=PUBLISH_POLICY`, without `retry=False`"
            if connects < CONNECTS[0]
            else "Celery retries too often, which takes longer than a client waits. Pass "
            "`retry_policy=PUBLISH_POLICY` to `apply_async`, and do not retry yourself",
        )


def test_nothing_waits_for_the_worker(
    proxied: Api, proxy: RedisProxy, run: Run, worker: Worker, rng: Random
) -> None:
    """j: while no worker takes messages, the route does not ask for the state of the task."""
    sent = "an upload, while no worker takes messages"
    with queue_view.nobody_takes_messages(run, worker), proxy.counting():
        one = uploading.accepted(proxied, uploading.upload(proxied, text(rng), "keeper.txt"), sent)
        reads = proxy.states_read
        waits = queue_view.message(run, one.task_id) is not None
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
            cause="the message is published after the response, or not at all",
        )
