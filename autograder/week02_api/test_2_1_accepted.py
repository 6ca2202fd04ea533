"""2.1: an upload is stored, enqueued and accepted, in this order and before any work is done."""

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
MESSAGE_BYTES = 4096
"""With Celery's envelope it is about 1,500."""
RESULT_SECONDS = 15.0
SETTLE_SECONDS = 2.0
"""What is published after the answer may still come: that is judged by 2.5."""


def test_it_is_accepted_before_any_work(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """The same document twice, under two names, while no worker takes messages."""
    document = random_document(rng, rng.choice(["pdf", "docx", "md"]), pages=12)
    sent = f"POST {uploading.UPLOAD}, while no worker takes messages"
    before = stored(run).keys()
    with queue_view.nobody_takes_messages(run, worker):
        first, second = (send(api, document.content, name, sent) for name in names(document.name))
        check_answer(api, first, sent)
        sending.check_blob(run, first, document.content, sent)
        check_message(run, first, document.content, sent)
        if first.task_id == second.task_id:
            fail(
                sent=f"{sent}, twice",
                expected="two uploads are two tasks, each with an id of its own",
                got=f"the same id twice: {first.task_id}",
                cause="the id comes from the content; a new one comes from `uuid4()`",
            )
        if len(kept := stored(run).keys() - before) != 1:
            fail(
                sent=f"{sent}, twice",
                expected="one blob: the same bytes have the same key",
                got=f"these: {sorted(kept)}",
                cause="the key holds more than `upload_key` of the content's SHA-256",
            )
    for one in (first, second):
        check_result(run, worker, one, document.content, sent)


def names(name: str) -> tuple[str, str]:
    return name, f"copy-of-{name}"


def send(api: Api, content: bytes, name: str, sent: str) -> Accepted:
    try:
        response = uploading.upload(api, content, name)
    except TookTooLong:
        fail(
            sent=sent,
            expected="202 at once: what is accepted is processed later",
            got=f"no answer after {uploading.ANSWER_SECONDS:g} s",
            cause="the route waits for the task: `.get()`, or a loop over its state",
            log=api.tail(),
        )
    return uploading.accepted(api, response, sent)


def check_answer(api: Api, one: Accepted, sent: str) -> None:
    if not sending.is_id(one.task_id):
        fail(
            sent=sent,
            expected="a task_id that is a UUID",
            got=one.task_id,
            cause="`str(uuid4())` makes a new one",
        )
    for label, address in (("status_url", one.status_url), ("header Location", one.location)):
        if not (address.isascii() and address.isprintable() and address.startswith(here(api))):
            fail(
                sent=sent,
                expected=f"a {label} on this API: /tasks/{one.task_id}",
                got=address or "none",
                cause=f"the {label} is not set" if not address else f"a wrong {label}",
            )
        answer = known(api, address)
        said = sending.status_in(api, answer)
        if said.get("task_id") != one.task_id:
            fail(
                sent=f"GET {address}, the {label} of an upload",
                expected="200 and the status of this task",
                got=f"{answer.status_code} {answer.text[:200]}",
                cause=f"the {label} leads somewhere else, or the message went out under another "
                "id than the one that was answered",
            )
        if said.get("status") != "pending":
            fail(
                sent=f"GET {address}, while no worker takes messages",
                expected="status 'pending'",
                got=said.get("status"),
                cause="something has been processed already: not in the API, please",
            )


def here(api: Api) -> tuple[str, ...]:
    """How an address on this API begins."""
    return "/", f"{api.url}/"


def known(api: Api, address: str) -> httpx.Response:
    """The answer of a status page, when it is 200, or at last whatever it is."""
    until(lambda: api.get(address).status_code == 200, SETTLE_SECONDS)
    return api.get(address)


def check_message(run: Run, one: Accepted, content: bytes, sent: str) -> None:
    found = until(lambda: queue_view.message(run, one.task_id), SETTLE_SECONDS)
    if found is None:
        others = [other.headers.get("id") for other in broker.waiting(run)]
        fail(
            sent=sent,
            expected=f"a message in the queue under the id that was answered, {one.task_id}",
            got=f"messages under other ids: {others}" if others else "no message in the queue",
            cause="the task is published without `task_id=`, so Celery makes up another id"
            if others
            else "the task was called and not enqueued, or published after the answer",
        )
    if (task := found.headers.get("task")) != TASK:
        fail(
            sent=sent,
            expected=f"a message for the task {TASK!r}, which `document_task()` gives",
            got=task,
            cause="another task, or one under another name, was enqueued",
        )
    size = len(json.dumps(found.raw))
    if size > MESSAGE_BYTES:
        fail(
            sent=f"{sent}: {len(content)} bytes",
            expected="a message with a reference: some hundred bytes",
            got=f"a message of {size} bytes",
            cause="the content travels through the queue; send `document.as_message()`",
        )
    check_reference(queue_view.arguments(found), one, sent)


def check_reference(given: list[Any], one: Accepted, sent: str) -> None:
    reference = given[0] if len(given) == 1 and isinstance(given[0], dict) else {}
    wanted = {"document_id": one.task_id, "blob_key": one.document.get("blob_key")}
    if {key: reference.get(key) for key in wanted} != wanted:
        fail(
            sent=sent,
            expected=f"one argument, a reference with {wanted}",
            got=given,
            cause="the document's id is its task's id; `as_message()` makes the argument",
        )


def check_result(run: Run, worker: Worker, one: Accepted, content: bytes, sent: str) -> None:
    ended = queue_view.outcome(run, one.task_id, RESULT_SECONDS)
    result = (ended or {}).get("result")
    digest = hashlib.sha256(content).hexdigest()
    if not isinstance(result, dict) or result.get("sha256") != digest:
        fail(
            sent=f"{sent}; then a worker takes it",
            expected="the worker finds the document and measures the same bytes",
            got=ended or f"nothing within {RESULT_SECONDS:g} s",
            cause="the reference does not lead to the document",
            log=worker.tail(),
        )
