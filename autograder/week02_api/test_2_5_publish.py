"""2.5: when `publish` waits and for how long, and which errors it lets through.

The API of this file has one thread for Redis, and a proxy between it and Redis.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import httpx
import pytest

from autograder.sdk import (
    Api,
    Run,
    Student,
    TookTooLong,
    Worker,
    broker,
    fail,
    made,
    until,
    uploading,
)
from autograder.sdk.api_log import log_of
from autograder.week02_api import queue_view, sending
from autograder.week02_api.redis_proxy import HELD_SECONDS, RedisProxy

pytestmark = pytest.mark.item("2.5")

HOLD_SECONDS = 2.5
"""How long a message is held at least. A timeout around the thread ends before."""
SECOND_SECONDS = 12.0
"""How long the second upload may take. It waits half a second for a thread."""
MOST_CONNECTS = 2
"""How often Celery connects again with PUBLISH_POLICY, after Redis has closed the connection."""
HELD = "an upload, while Redis takes {:g} s to store the message"


def text(rng: Random) -> bytes:
    return f"{rng.getrandbits(200):050x} wrote the keeper.\n".encode()


def send(api: Api, content: bytes) -> httpx.Response | None:
    """Upload a text. None: there was no response in time."""
    try:
        return uploading.upload(api, content, "keeper.txt", timeout=2 * HELD_SECONDS)
    except TookTooLong:
        return None


def test_a_slow_queue(
    proxied: Api, proxy: RedisProxy, run: Run, worker: Worker, rng: Random
) -> None:
    """a, b: one message waits in the proxy, and a second upload finds no free thread."""
    sent = HELD.format(HOLD_SECONDS)
    with broker.not_taken(run, worker), ThreadPoolExecutor(2) as clients:
        with proxy.holding():
            first = clients.submit(send, proxied, text(rng))
            until(lambda: proxy.published or first.done(), HELD_SECONDS)
            started = time.monotonic()
            second = clients.submit(send, proxied, text(rng))
            until(second.done, SECOND_SECONDS)
            answered = second.done()
            until(first.done, max(0.0, HOLD_SECONDS - (time.monotonic() - started)))
        check_second(proxied, second.result(), answered, sent)
        check_first(proxied, run, first.result(), sent)


def check_second(api: Api, response: httpx.Response | None, answered: bool, sent: str) -> None:
    sent = f"{sent}; and a second upload meanwhile, to an API with one thread for Redis"
    status = response.status_code if response is not None else 0
    kind = sending.parsed(response.text).get("type") if response is not None else None
    if not answered or (status, kind) != (503, "broker_unavailable"):
        fail(
            sent=sent,
            expected="503 with the type 'broker_unavailable', after half a second",
            got=f"{status} {response.text[:200]}"
            + ("" if answered else ", after the first one had ended")
            if response is not None
            else "no response",
            cause="the second one waited for the first, or did not use the threads of `off_the_loop`, "
            "which are limited. Run `enqueue` with `off_the_loop`, without a lock of your own"
            if status != 500
            else "`off_the_loop` raises TimeoutError, an OSError, if no thread is free in time. Catch "
            "all of `REDIS_ERRORS`",
            log=log_of(api, response) if response is not None else api.tail(),
        )


def check_first(api: Api, run: Run, response: httpx.Response | None, sent: str) -> None:
    if response is None or response.status_code != 202:
        fail(
            sent=sent,
            expected="202, because the message is in the queue",
            got="no response"
            if response is None
            else f"{response.status_code} {response.text[:200]}",
            cause="the client was told that its document is not accepted, and its message is published "
            "all the same. `off_the_loop` ends when the outcome is known: add no timeout of your own",
            log=api.tail(),
        )
    one = uploading.accepted(api, response, sent)
    if until(lambda: queue_view.message(run, one.task_id), 2.0) is None:
        fail(
            sent=sent,
            expected="its message in the queue",
            got="202, and no message",
            cause="the message is published after the response, or not at all",
        )


SLEEP = made("builtins", "getattr", made("importlib", "import_module", "time"), "sleep")


def test_a_thread_that_is_slow(student: Student, run: Run, worker: Worker, rng: Random) -> None:
    """a: the thread needs longer than one answer of Redis may take, and then it publishes."""
    task_id = f"{rng.getrandbits(64):x}"
    slow = made("functools", "partial", SLEEP, HOLD_SECONDS)
    document = made("types", "SimpleNamespace", document_id=task_id, as_message=slow)
    with broker.not_taken(run, worker):
        answer = student.ask("pipeline.api.uploads", "publish", document, timeout=30.0)
        until(lambda: queue_view.message(run, task_id), 2 * HOLD_SECONDS)
        queue_view.remove(run, task_id)
    if not answer.ok:
        fail(
            sent=f"publish() of a document, while `enqueue` needs {HOLD_SECONDS:g} s in its thread",
            expected="no error, because the message is published",
            got=f"{answer.error}: {answer.message}",
            cause="the client would get 503, and its message is published all the same. A timeout that "
            "Redis has for one answer is too short for all of `enqueue`: wait without a limit",
        )


def test_one_attempt(
    proxied: Api, proxy: RedisProxy, run: Run, worker: Worker, rng: Random
) -> None:
    """c: Redis closes the connection of everybody who publishes."""
    sent = "an upload, while Redis stores states and closes the connection at each message"
    with broker.not_taken(run, worker), proxy.refusing():
        response = send(proxied, text(rng))
        connects = proxy.connects
    if response is None or response.status_code != 503:
        fail(
            sent=sent,
            expected="503",
            got="no response"
            if response is None
            else f"{response.status_code} {response.text[:200]}",
            cause="the error was caught and not raised, or it is none of those that were caught",
            log=proxied.tail(),
        )
    if connects > MOST_CONNECTS:
        fail(
            sent=sent,
            expected=f"at most {MOST_CONNECTS} new connections, for the one retry of PUBLISH_POLICY",
            got=f"{connects} new connections",
            cause="`publish` tries again after an error. The client does this, because it waits, and a "
            "first attempt may have been successful",
        )


@pytest.mark.parametrize("error", ["AttributeError", "EncodeError"])
def test_a_mistake_is_not_an_outage(student: Student, rng: Random, error: str) -> None:
    """d: a document without the method that `enqueue` calls, and one that is no JSON for Celery."""
    document: dict[str, Any] = {"document_id": f"{rng.getrandbits(64):x}"}
    if error == "EncodeError":
        strange = made("kombu.exceptions", error, "this is no JSON")
        document["as_message"] = made("unittest.mock", "Mock", side_effect=strange)
    answer = student.ask(
        "pipeline.api.uploads",
        "publish",
        made("types", "SimpleNamespace", **document),
        timeout=30.0,
    )
    if answer.ok or answer.error != error:
        fail(
            sent=f"publish() of a document on which `enqueue` raises {error}",
            expected=f"this {error}, which the API answers with 500",
            got=f"{answer.error}: {answer.message}" if not answer.ok else "no error",
            cause="every exception was caught, or a class that is too large. A mistake in our code stays "
            "when the client sends the document again, so it is no 503. Catch `REDIS_ERRORS` only",
        )
