"""2.5: while Redis refuses, is silent or takes no messages, an upload gets 503, and in time.

The last item of the week: it takes the shared Redis away, and its data with it.
"""

from __future__ import annotations

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
"""The reference needs two or three: five times that."""
HELD_SHARE, HELD_SECONDS = 0.5, 0.3
"""A blocked event loop answers when the upload has waited; else an answer takes milliseconds."""
LATE_SECONDS = 2.0
QUEUE = "celery"
SILENT = "an upload, while Redis takes connections and says nothing"
STOPPED = "an upload, while Redis refuses connections"
FULL = "an upload, while Redis takes no message for the queue (the check put a text in its place)"


def text(rng: Random) -> bytes:
    return f"{rng.getrandbits(200):050x} wrote the keeper.\n".encode()


def send(api: Api, content: bytes, sent: str) -> httpx.Response:
    try:
        return uploading.upload(api, content, "keeper.txt", timeout=BOUND_SECONDS)
    except TookTooLong:
        fail(
            sent=sent,
            expected="503 in time, never a hang: a few seconds",
            got=f"no answer within {BOUND_SECONDS:g} s",
            cause="it tries again for ever, or waits without a limit",
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
                202: "it was said to be accepted, and is in no queue: the error was swallowed, or "
                "it is published after the answer",
                500: "an exception that nobody caught: the log names it. `REDIS_ERRORS` has them "
                "all, and the route calls `publish`",
            }.get(status, "`BrokerUnavailable` is the error of ours for this"),
            log=log_of(api, response),
        )
    if not is_delay(after := response.headers.get("retry-after", "")):
        fail(
            sent=sent,
            expected="a header Retry-After: seconds, or a date",
            got=f"Retry-After: {after}" if after else "503 without Retry-After",
            cause="raise `BrokerUnavailable`; a bare HTTPException has no such header",
        )
    if leak := sending.leak_in(response.text):
        fail(sent=sent, expected="an answer for a stranger", got=f"{leak!r} in {response.text}")


def is_delay(value: str) -> bool:
    """Whether this is a Retry-After: more than zero seconds, or a date."""
    if value.strip().isdecimal():
        return int(value) > 0
    try:
        return parsedate_to_datetime(value) is not None
    except ValueError:
        return False


def test_an_outage(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """One test: who hangs in the first outage hangs in each."""
    check_no_message_taken(run, api, worker, rng)
    check_silence(run, api, worker, rng)
    check_absence_and_return(run, api, worker, rng)


def check_no_message_taken(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """Redis is there, and refuses the one write that matters: as it does when memory is full."""
    client = broker.database(run, broker.BROKER)
    with queue_view.nobody_takes_messages(run, worker):
        before = queue_view.records(run)
        client.delete(QUEUE)
        client.set(QUEUE, "no list, so every LPUSH fails")
        try:
            check_refused(api, send(api, text(rng), FULL), FULL)
        finally:
            client.delete(QUEUE)
        if not until(lambda: not queue_view.records(run) - before, LATE_SECONDS):
            fail(
                sent=FULL,
                expected="no trace of a task that was not accepted",
                got="a record of it in the result backend: its status says 'pending' for an hour",
                cause="what `remember` stored was not taken back: `enqueue` does that",
            )


def check_silence(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """Others are answered while one upload waits."""
    content = text(rng)
    api.get("/health")
    before = stored(run).keys()
    with worker.paused(), ThreadPoolExecutor(1) as client, queue_view.silent_redis(run):
        upload = client.submit(send, api, content, SILENT)
        until(lambda: upload.done() or stored(run).keys() - before, BOUND_SECONDS)
        started = time.monotonic()
        longest = longest_answer(api, upload)
        waited = time.monotonic() - started
        check_refused(api, upload.result(), SILENT)
    if longest > max(HELD_SHARE * waited, HELD_SECONDS):
        fail(
            sent=f"{SILENT}, and GET /health again and again meanwhile",
            expected="answers at once, also while the upload waits",
            got=f"one took {longest:.1f} s, while the upload waited for {waited:.1f} s",
            cause="`enqueue` blocks the event loop: nothing else runs until Redis has answered. "
            "Run it on a thread: `off_the_loop`",
        )


def longest_answer(api: Api, upload: Future[httpx.Response]) -> float:
    """Seconds of the slowest /health until the upload is answered."""
    longest = 0.0
    while not upload.done():
        asked = time.monotonic()
        with suppress(TookTooLong):  # the upload's own card says more
            api.get("/health", timeout=BOUND_SECONDS)
        longest = max(longest, time.monotonic() - asked)
        time.sleep(POLL_SECONDS)
    return longest


def check_absence_and_return(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """Redis is gone, and comes back with nothing in it."""
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
