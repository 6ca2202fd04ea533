"""2.5: an upload is answered with 503 in time if Redis refuses, does not answer or is full.

This is the last item of the week, because it stops the shared Redis server and deletes its data.

What a submission could fake:
- counts: connections to Redis are counted at the proxy, and more of them lose.
- witness: the response, the queue, and the proxy between the API and Redis.
- place: contents are random. The queue has its default name.
- store: after 503 no record may stay in Redis, and the blob must.
- probe: that Redis is away can be seen, and 503 is what is wanted then. That an AttributeError passes is
  seen in the calling process only.
"""

from __future__ import annotations

import hashlib
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from email.utils import parsedate_to_datetime
from random import Random

import httpx
import pytest

from autograder.sdk import Api, Run, TookTooLong, Worker, broker, fail, until, uploading
from autograder.sdk.api_log import log_of
from autograder.sdk.blobs import stored
from autograder.week02_api import queue_view, sending

pytestmark = pytest.mark.item("2.5")

BOUND_SECONDS = 15.0
POLL_SECONDS = 0.01
"""The reference needs two or three seconds."""
HELD_SHARE, HELD_SECONDS = 0.5, 0.3
"""A blocked event loop answers only after the upload. Otherwise a response takes milliseconds."""
LATE_SECONDS = 2.0
REDIS_WORDS = ("WRONGTYPE", "LPUSH", "Errno", "reading from socket", "connecting to", "127.0.0.1")
"""Words of the errors that an outage raises."""
CAUSE = re.compile(r"(redis|kombu)\.exceptions|TimeoutError|ConnectionError|ConnectionRefusedError")
LOG_SECONDS = 2.0
SILENT = "an upload, while Redis accepts connections and never answers"
STOPPED = "an upload, while Redis refuses connections"
FULL = "an upload, while Redis rejects messages (the check stored a text in place of the queue)"


def text(rng: Random) -> bytes:
    return f"{rng.getrandbits(200):050x} wrote the keeper.\n".encode()


def send(api: Api, content: bytes, sent: str) -> httpx.Response:
    try:
        return uploading.upload(api, content, "keeper.txt", timeout=BOUND_SECONDS)
    except TookTooLong:
        fail(
            sent=sent,
            expected="503 within a few seconds",
            got=f"no response within {BOUND_SECONDS:g} s",
            cause="the code retries without a limit, or waits without a timeout",
            log=api.tail(),
        )


def check_refused(api: Api, response: httpx.Response, sent: str) -> None:
    status = response.status_code
    if status != 503:
        fail(
            sent=sent,
            expected="503 with Retry-After",
            got=f"{status} {response.text[:200]}",
            cause={
                202: "the client was told that the document is accepted, but it is in no queue: the "
                "error was caught and not raised, or the message is published after the response",
                500: "an exception was not caught: see the lines of the log. `REDIS_ERRORS` lists all "
                "that can occur, and `submit` calls `publish`",
            }.get(status, "`publish` must raise `BrokerUnavailable`"),
            log=log_of(api, response),
        )
    if not is_delay(after := response.headers.get("retry-after", "")):
        fail(
            sent=sent,
            expected="a header Retry-After with seconds or a date",
            got=f"Retry-After: {after}" if after else "503 without Retry-After",
            cause="the client does not learn when to retry. Raise `BrokerUnavailable`: an HTTPException "
            "has no such header",
        )
    if (found := sending.parsed(response.text).get("type")) != "broker_unavailable":
        fail(
            sent=sent,
            expected="503 with the type 'broker_unavailable'",
            got=f"{found!r} in {response.text[:300]}",
            cause="another error was raised that has the same status. Programs compare the type, so "
            "raise `BrokerUnavailable`",
        )
    if leak := sending.leak_in(response.text, *REDIS_WORDS):
        fail(
            sent=sent,
            expected="a response that any client may read",
            got=f"{leak!r} in {response.text}",
            cause="the response contains the exception's own text. Raise `BrokerUnavailable`",
        )
    if not until(lambda: CAUSE.search(api.recent()), LOG_SECONDS):
        fail(
            sent=sent,
            expected="the error of Redis as the cause of BrokerUnavailable in the API's log",
            got="no such line, so nobody can see why the message was not published",
            cause="`BrokerUnavailable` was not raised from the error: `raise BrokerUnavailable from error`",
            log=api.tail(),
        )


def is_delay(value: str) -> bool:
    """Return whether this is a valid Retry-After: more than zero seconds, or a date."""
    if value.strip().isdecimal():
        return int(value) > 0
    try:
        return parsedate_to_datetime(value) is not None
    except ValueError:
        return False


def test_an_outage(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """a, b, c, e: all outages in one test, because code that hangs in the first one hangs in each."""
    check_no_message_taken(run, api, worker, rng)
    check_silence(run, api, worker, rng)
    check_absence_and_return(run, api, worker, rng)


def check_no_message_taken(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """Check an upload while Redis runs and rejects the message, as it does when its memory is full."""
    client = broker.database(run, broker.BROKER)
    content = text(rng)
    with broker.not_taken(run, worker):
        before = queue_view.records(run)
        client.delete(broker.QUEUE)
        client.set(broker.QUEUE, "no list, so every LPUSH fails")
        try:
            check_refused(api, send(api, content, FULL), FULL)
        finally:
            client.delete(broker.QUEUE)
        if not until(lambda: not queue_view.records(run) - before, LATE_SECONDS):
            fail(
                sent=FULL,
                expected="no record of a task that was not accepted",
                got="a record of it in the result backend, so its status stays 'pending' for an hour",
                cause="the state that `record_queued` stored was not deleted. `enqueue` deletes it, so "
                "publish with `enqueue`",
            )
        if f"uploads/{hashlib.sha256(content).hexdigest()}" not in stored(run):
            fail(
                sent=FULL,
                expected="the document, still in the blob store",
                got="no blob with its content",
                cause="the document was deleted because it was not published. Another upload may have "
                "stored the same content, and its task needs it",
            )


def check_silence(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """Check that other requests are answered while one upload waits for Redis."""
    content = text(rng)
    api.get("/health")
    before = stored(run).keys()
    with worker.paused(), ThreadPoolExecutor(1) as client, broker.silent(run):
        upload = client.submit(send, api, content, SILENT)
        until(lambda: upload.done() or stored(run).keys() - before, BOUND_SECONDS)
        started = time.monotonic()
        longest = longest_answer(api, upload)
        waited = time.monotonic() - started
        check_refused(api, upload.result(), SILENT)
    if longest > max(HELD_SHARE * waited, HELD_SECONDS):
        fail(
            sent=f"{SILENT}, and many requests GET /health at the same time",
            expected="responses at once, also while the upload waits",
            got=f"one took {longest:.1f} s, while the upload waited for {waited:.1f} s",
            cause="`enqueue` blocks the event loop, so no other request is answered until it ends. "
            "Run it on a thread with `off_the_loop`",
        )


def longest_answer(api: Api, upload: Future[httpx.Response]) -> float:
    """Measure the slowest /health in seconds, until the upload is answered."""
    longest = 0.0
    while not upload.done():
        asked = time.monotonic()
        with suppress(TookTooLong):  # the card about the upload explains more
            api.get("/health", timeout=BOUND_SECONDS)
        longest = max(longest, time.monotonic() - asked)
        time.sleep(POLL_SECONDS)
    return longest


def check_absence_and_return(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """Check an upload while Redis is down, and one after Redis has come back empty."""
    with worker.paused():
        with run.redis_outage():
            check_refused(api, send(api, text(rng), STOPPED), STOPPED)
        sent = "an upload, after Redis has come back"
        one = uploading.accepted(api, send(api, text(rng), sent), sent)
        if queue_view.message(run, one.task_id) is None:
            fail(
                sent=sent,
                expected="its message in the queue",
                got="202, and no message",
                cause="the answer does not wait for the queue",
            )
