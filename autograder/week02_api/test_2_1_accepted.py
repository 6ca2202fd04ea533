"""2.1: an upload is stored, then published, then answered with 202, before any work is done.

What a submission could fake:
- counts: ids, blobs and messages must be exactly as many as documents.
- witness: bytes in the blob store, the message in the queue, and the result of a real worker.
- place: contents and the limit are random.
- store: files are looked for in all folders of the run. A message counts only in the queue that the worker
  consumes.
- probe: order, threads, owner and retry policy are noted by a probe in the calling process. A submission
  that differs in the API is caught only for what HTTP shows: bytes, order, message and memory. This
  stays.
"""

from __future__ import annotations

import hashlib
import json
from random import Random
from typing import Any

import httpx
import pytest

from autograder.sdk import Api, Run, TookTooLong, Worker, broker, fail, until, uploading
from autograder.sdk.blobs import stored
from autograder.sdk.documents import random_document
from autograder.sdk.uploading import Accepted
from autograder.week02_api import queue_view, sending

pytestmark = pytest.mark.item("2.1")

TASK = "pipeline.process_document"
OWNER = "public"
MESSAGE_BYTES = 4096
"""A message with a reference has about 1,500 bytes, with Celery's envelope."""
RESULT_SECONDS = 15.0
SETTLE_SECONDS = 2.0
"""A message that is published after the response may still arrive. Item 2.5 checks that."""


def test_it_is_accepted_before_any_work(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """c, e, f, g, h, k, l: the same document three times, while no worker takes messages."""
    document = random_document(rng, rng.choice(["pdf", "docx", "md"]), pages=12)
    sent = f"POST {uploading.UPLOAD}, while no worker takes messages"
    before = stored(run).keys()
    with broker.not_taken(run, worker):
        all_three = [send(api, document.content, name, sent) for name in names(document.name)]
        first = all_three[0]
        check_answer(api, first, sent)
        sending.check_blob(run, first, document.content, sent)
        check_message(run, first, document.content, sent)
        check_ids([one.task_id for one in all_three], sent)
        if len(kept := stored(run).keys() - before) != 1:
            fail(
                sent=f"{sent}, three times",
                expected="one blob, because equal contents have the same key",
                got=f"these blobs: {sorted(kept)}",
                cause="the key contains more than `upload_key` of the content's SHA-256",
            )
    for one in all_three:
        check_result(run, worker, one, document.content, sent)


def names(name: str) -> tuple[str, str, str]:
    return name, f"copy-of-{name}", name


def check_ids(ids: list[str], sent: str) -> None:
    if len(set(ids)) != len(ids):
        fail(
            sent=f"{sent}, three times, and twice under the same name",
            expected="three tasks, each with its own id",
            got=f"these ids: {ids}",
            cause="the id is made from the content or the name, or an earlier document is returned, so "
            "two clients share one task. `uuid4()` returns a new id",
        )


def send(api: Api, content: bytes, name: str, sent: str) -> Accepted:
    try:
        response = uploading.upload(api, content, name)
    except TookTooLong:
        fail(
            sent=sent,
            expected="202 at once, because the document is processed later",
            got=f"no response after {uploading.ANSWER_SECONDS:g} s",
            cause="the route waits for the task, with `.get()` or in a loop that reads its state",
            log=api.tail(),
        )
    return uploading.accepted(api, response, sent)


def check_answer(api: Api, one: Accepted, sent: str) -> None:
    if not sending.is_id(one.task_id):
        fail(
            sent=sent,
            expected="a task_id that is a random UUID (version 4)",
            got=one.task_id,
            cause="the document's id is not a random UUID. `str(uuid4())` returns a new one",
        )
    for label, address in (("status_url", one.status_url), ("header Location", one.location)):
        if address != f"/tasks/{one.task_id}":
            fail(
                sent=sent,
                expected=f"the {label} /tasks/{one.task_id}",
                got=address or "none",
                cause=f"the {label} is not set"
                if not address
                else f"the {label} is the address of something else. It is '/tasks/' followed by the id, "
                "without the name of a server",
            )
        answer = known(api, address)
        said = sending.status_in(api, answer)
        if said.get("task_id") != one.task_id:
            fail(
                sent=f"GET {address}, the {label} of an upload",
                expected="200 and the status of this task",
                got=f"{answer.status_code} {answer.text[:200]}",
                cause="the task was published under another id than the one in the response",
            )
        if said.get("status") != "pending":
            fail(
                sent=f"GET {address}, while no worker takes messages",
                expected="status 'pending'",
                got=said.get("status"),
                cause="the API has processed the document itself, or stored another state than QUEUED",
            )


def known(api: Api, address: str) -> httpx.Response:
    """Wait for a 200 at this address, and return the last response."""
    until(lambda: api.get(address).status_code == 200, SETTLE_SECONDS)
    return api.get(address)


def check_message(run: Run, one: Accepted, content: bytes, sent: str) -> None:
    found = until(lambda: queue_view.message(run, one.task_id), SETTLE_SECONDS)
    if found is None:
        found_ids = [other.headers.get("id") for other in broker.waiting(run)]
        others = [] if one.task_id in found_ids else found_ids
        fail(
            sent=sent,
            expected=f"a message in the queue with the id of the response, {one.task_id}",
            got=f"messages with other ids: {others}" if others else "no message in the queue",
            cause="the task is published without `task_id=`, so Celery chooses another id"
            if others
            else "the task was called and not enqueued, or it was published after the response, or into "
            "a list that no worker reads",
        )
    if (task := found.headers.get("task")) != TASK:
        fail(
            sent=sent,
            expected=f"a message for the task {TASK!r}, which `document_task()` gives",
            got=task,
            cause="another task was enqueued than the one that `document_task()` returns",
        )
    size = len(json.dumps(found.raw))
    if size > MESSAGE_BYTES:
        fail(
            sent=f"{sent}: {len(content)} bytes",
            expected=f"a message of less than {MESSAGE_BYTES} bytes, which contains a reference",
            got=f"a message of {size} bytes",
            cause="the message contains the content, which fills the broker's memory. Its argument "
            "must be `document.as_message()`",
        )
    check_reference(queue_view.arguments(found), one, sent)


def check_reference(given: list[Any], one: Accepted, sent: str) -> None:
    reference = given[0] if len(given) == 1 and isinstance(given[0], dict) else {}
    wanted = {**one.document, "document_id": one.task_id, "owner": OWNER}
    if reference != wanted:
        fail(
            sent=sent,
            expected=f"one argument, the reference {wanted}",
            got=given,
            cause="the owner is missing: `document.as_message()` contains it, and `model_dump()` does not"
            if reference == {name: value for name, value in wanted.items() if name != "owner"}
            else "the task's argument is not what `document.as_message()` returns, or the document's "
            "id is not the task's id",
        )


def check_result(run: Run, worker: Worker, one: Accepted, content: bytes, sent: str) -> None:
    ended = queue_view.outcome(run, one.task_id, RESULT_SECONDS)
    result = (ended or {}).get("result")
    digest = hashlib.sha256(content).hexdigest()
    if not isinstance(result, dict) or result.get("sha256") != digest:
        fail(
            sent=f"{sent}; then a worker takes the message",
            expected="a result with the SHA-256 of the sent bytes",
            got=ended or f"no result within {RESULT_SECONDS:g} s",
            cause="the worker does not find the document under the reference's `blob_key`",
            log=worker.tail(),
        )
