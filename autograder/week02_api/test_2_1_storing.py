"""2.1: an upload is stored piece by piece, before it is published, and on a thread."""

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

from autograder.sdk import Api, CheckFailed, Run, Student, broker, fail, until, uploading
from autograder.sdk.blobs import stored
from autograder.sdk.network import LOOPBACK, free_port, release_port
from autograder.week02_api import sending
from autograder.week02_api.memory import PeakMemory

pytestmark = pytest.mark.item("2.1")

HEALTH_SECONDS = 5.0
"""A store that does not answer fails after more than ten seconds."""
STORE_SECONDS = 20.0


@dataclass(frozen=True)
class SlowStore:
    """An API whose blob store is an S3 server that accepts connections and never answers."""

    api: Api
    store: socket.socket

    def asked(self) -> bool:
        """Return whether the API has connected to the store."""
        return bool(select.select([self.store], [], [], 0)[0])


@pytest.fixture(scope="module", autouse=True)
def slow(student: Student, api: Api) -> Iterator[SlowStore]:
    """Launch this API first, so that it starts while the other tests run."""
    port = free_port()
    with socket.create_server((LOOPBACK, port)) as store:
        place = {"BLOB_STORE_URL": "s3://lost", "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}"}
        yield SlowStore(student.launch_api("slow-store", place), store)
    release_port(port)


def test_a_large_upload_takes_little_memory(run: Run, api: Api, limit: int, rng: Random) -> None:
    """a: an upload that is nearly as large as the limit."""
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
            expected="an API that has only a few chunks in memory at a time",
            got=f"its memory grew by {memory.grown} bytes",
            cause="the whole upload is in memory at once, for example in a list of chunks or by "
            "`read()` without a size",
        )


def random_text(rng: Random, size: int) -> bytes:
    """Return `size` bytes of random text."""
    line = f"{rng.getrandbits(200):050x} the keeper wrote\n".encode()
    return (line * (size // len(line) + 1))[:size]


def test_it_is_stored_before_it_is_enqueued(run: Run, api: Api, rng: Random) -> None:
    """j: upload while Redis does not answer. Code that publishes first has stored nothing then."""
    content = random_text(rng, 5_000)
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    with ThreadPoolExecutor(1) as client, broker.silent(run):
        sending = client.submit(uploading.upload, api, content, "first.txt")
        until(lambda: sending.done() or key in stored(run), STORE_SECONDS)
        found = key in stored(run)
    if not found:
        fail(
            sent=f"POST {uploading.UPLOAD}, while Redis accepts connections and never answers",
            expected="the document in the blob store, before its message is published",
            got="nothing in the blob store",
            cause="the message is published first and the document stored afterwards, so a fast "
            "worker would find no document",
        )


def test_a_slow_store_holds_up_nobody(student: Student, slow: SlowStore, rng: Random) -> None:
    """d: `put_stream` waits for a store that does not answer."""
    content = random_text(rng, 5_000)
    student.await_api(slow.api)
    with ThreadPoolExecutor(1) as client:
        sending = client.submit(uploading.upload, slow.api, content, "slow.txt")
        try:
            check_others_are_answered(slow, sending)
        finally:
            slow.api.kill()


def check_others_are_answered(slow: SlowStore, sending: Future[httpx.Response]) -> None:
    sent = "an upload, while the blob store (S3) accepts connections and never answers"
    asked = until(lambda: slow.asked() or sending.done(), STORE_SECONDS)
    if not (asked and slow.asked()):
        fail(
            sent=sent,
            expected="a connection to the blob store that BLOB_STORE_URL names",
            got="no connection",
            cause="the document is not stored with `blob_store()`, or the upload failed before",
            log=slow.api.tail(),
        )
    with suppress(CheckFailed):
        slow.api.get("/health", timeout=HEALTH_SECONDS)
        return
    fail(
        sent=f"{sent}; then GET /health",
        expected="a response at once, because one slow upload must not delay other requests",
        got=f"no response within {HEALTH_SECONDS:g} s",
        cause="`put_stream` blocks, and it runs on the event loop. Run it on a thread "
        "(`to_thread.run_sync`)",
    )
