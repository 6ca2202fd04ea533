"""2.1: how an upload is stored: piece by piece, before it is enqueued, and off the event loop."""

from __future__ import annotations

import hashlib
import select
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import httpx
import pytest

from autograder.sdk import Api, CheckFailed, Run, Student, fail, until, uploading
from autograder.sdk.blobs import stored
from autograder.sdk.network import LOOPBACK, free_port, release_port
from autograder.week02_api import queue_view, sending
from autograder.week02_api.memory import PeakMemory

pytestmark = pytest.mark.item("2.1")

HEALTH_SECONDS = 5.0
"""A store that says nothing is given up after more than ten."""
STORE_SECONDS = 20.0


@dataclass(frozen=True)
class SlowStore:
    """An API whose blob store is an S3 that takes connections and says nothing."""

    api: Api
    store: socket.socket

    def asked(self) -> bool:
        """Whether somebody has connected to the store. Nobody ever takes the connection."""
        return bool(select.select([self.store], [], [], 0)[0])


@pytest.fixture(scope="module", autouse=True)
def slow(student: Student, api: Api) -> Iterator[SlowStore]:
    """Launched first, needed last: it boots while the other tests run."""
    port = free_port()
    with socket.create_server((LOOPBACK, port)) as store:
        place = {"BLOB_STORE_URL": "s3://lost", "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}"}
        yield SlowStore(student.launch_api("slow-store", place), store)
    release_port(port)


def test_a_large_upload_takes_little_memory(run: Run, api: Api, limit: int, rng: Random) -> None:
    content = random_text(rng, limit - 64 * 1024)
    sent = f"POST {uploading.UPLOAD} with {len(content)} bytes, in chunks"
    with PeakMemory(api.process.pid) as memory:
        response = api.post(
            uploading.UPLOAD,
            content=sending.in_pieces(content),
            headers=sending.MULTIPART,
            timeout=uploading.ANSWER_SECONDS,
        )
    one = uploading.accepted(api, response, sent)
    sending.check_blob(run, one, content, sent)
    if memory.grown > len(content) // 2:
        fail(
            sent=sent,
            expected="the API holds some chunks of it in memory at a time",
            got=f"its memory grew by {memory.grown} bytes",
            cause="the upload is read whole: `read()` without a size, or chunks kept in a list",
        )


def random_text(rng: Random, size: int) -> bytes:
    """`size` bytes of text that cannot be known before."""
    line = f"{rng.getrandbits(200):050x} the keeper wrote\n".encode()
    return (line * (size // len(line) + 1))[:size]


def test_it_is_stored_before_it_is_enqueued(run: Run, api: Api, rng: Random) -> None:
    """With a Redis that says nothing, whoever enqueues first has stored nothing yet."""
    content = random_text(rng, 5_000)
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    with ThreadPoolExecutor(1) as client, queue_view.silent_redis(run):
        sending = client.submit(uploading.upload, api, content, "first.txt")
        until(lambda: sending.done() or key in stored(run), STORE_SECONDS)
        found = key in stored(run)
    if not found:
        fail(
            sent=f"POST {uploading.UPLOAD}, while Redis takes connections and says nothing",
            expected="the document in the blob store, before the queue is told of it",
            got="nothing in the blob store",
            cause="it is published first, and stored after: a quick worker finds no document",
        )


def test_a_slow_store_holds_up_nobody(student: Student, slow: SlowStore, rng: Random) -> None:
    content = random_text(rng, 5_000)
    student.await_api(slow.api)
    with ThreadPoolExecutor(1) as client:
        sending = client.submit(uploading.upload, slow.api, content, "slow.txt")
        try:
            check_others_are_answered(slow, sending)
        finally:
            slow.api.kill()


def check_others_are_answered(slow: SlowStore, sending: Future[httpx.Response]) -> None:
    sent = "an upload, while the blob store (S3) takes connections and says nothing"
    asked = until(lambda: slow.asked() or sending.done(), STORE_SECONDS)
    if not (asked and slow.asked()):
        fail(
            sent=sent,
            expected="the upload goes to the blob store that BLOB_STORE_URL names",
            got="nobody asked it",
            cause="the file is written by hand, or the upload ends before; `blob_store()` knows "
            "where it belongs",
            log=slow.api.tail(),
        )
    with suppress(CheckFailed):
        slow.api.get("/health", timeout=HEALTH_SECONDS)
        return
    fail(
        sent=f"{sent}; then GET /health",
        expected="an answer at once: one slow upload holds up nobody else",
        got=f"no answer within {HEALTH_SECONDS:g} s",
        cause="`put_stream` blocks, and runs on the event loop; run it on a thread "
        "(`to_thread.run_sync`)",
    )
