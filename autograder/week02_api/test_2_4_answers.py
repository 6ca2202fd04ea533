"""2.4: a result, an error and an unknown id get three different responses.

What a submission could fake:
- counts: nothing is counted.
- witness: the response over HTTP.
- place: ids, texts and secrets are random.
- store: only the response counts.
- probe: some states are stored by the grader, and some by a real worker. Their form is the same.
"""

from __future__ import annotations

import hashlib
import uuid
from random import Random
from typing import Any

import httpx
import pytest

from autograder.sdk import Api, Run, Student, Worker, broker, fail
from autograder.sdk.api_log import log_of
from autograder.week02_api import queue_view, sending

pytestmark = pytest.mark.item("2.4")

END_SECONDS = 20.0


def ask(api: Api, task_id: str, sent: str, expected: str) -> tuple[httpx.Response, dict[str, Any]]:
    """Request `GET /tasks/{id}`, which must return 200 with a JSON object."""
    answer = api.get(f"/tasks/{task_id}")
    body = sending.status_in(api, answer)
    if not body:
        fail(
            sent=sent,
            expected=f"200, {expected}",
            got=f"{answer.status_code} {answer.text[:200]}",
            cause="`status_of` raised an error for a task that has ended, although its state is stored",
            log=log_of(api, answer),
        )
    return answer, body


def run_task(student: Student, run: Run, worker: Worker, message: dict[str, Any]) -> str:
    """Run the task on a message until it has ended, and return its id."""
    task_id = message.get("document_id") or str(uuid.uuid4())
    queue_view.enqueue(student, {**message, "document_id": task_id})
    if queue_view.outcome(run, task_id, END_SECONDS) is None:
        fail(
            sent="process_document, run by a worker",
            expected="a task that ends",
            got=f"no end within {END_SECONDS:g} s",
            log=worker.tail(),
        )
    return task_id


def test_a_result(student: Student, run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """a: the result of a task that a worker has run."""
    content = f"{rng.getrandbits(200):050x} wrote the keeper.\n".encode()
    task_id = run_task(student, run, worker, queue_view.put_document(run, content))
    sent = f"GET /tasks/{task_id}, of a task that succeeded"
    _, body = ask(api, task_id, sent, "status 'completed' and the result")
    check_completed(sent, body)
    result = body.get("result")
    digest = hashlib.sha256(content).hexdigest()
    if not isinstance(result, dict) or result.get("sha256") != digest:
        fail(
            sent=sent,
            expected=f"the task's return value under 'result', with the SHA-256 {digest}",
            got=result,
            cause="the result is not `info`. Return it unchanged",
        )


def test_a_result_that_is_nothing(run: Run, api: Api) -> None:
    """a: a task that returns None, 0, something empty, or a dict that looks like an error."""
    values: list[Any] = [None, 0, [], {}, "", False, {"error": None}]
    values += [
        {"error": "no paper"},
        {"error": {"type": "x", "message": "y"}},
        {"status": "failed"},
    ]
    for value in values:
        task_id = str(uuid.uuid4())
        queue_view.plant(run, task_id, "SUCCESS", value)
        sent = f"GET /tasks/{task_id}, of a task that returned {value!r}"
        _, body = ask(api, task_id, sent, "status 'completed'")
        check_completed(sent, body)
        if body.get("result") != value:
            fail(
                sent=sent,
                expected=f"result {value!r}",
                got=body.get("result"),
                cause="the result is not `info`. Return it unchanged",
            )


def check_completed(sent: str, body: dict[str, Any]) -> None:
    if body.get("status") != "completed" or body.get("error") is not None:
        fail(
            sent=sent,
            expected="status 'completed' and no error",
            got=f"status {body.get('status')!r}, error {body.get('error')!r}",
            cause="the status must depend on the state, not on the value of the result",
        )


def test_an_error_of_ours(
    student: Student, run: Run, api: Api, worker: Worker, rng: Random
) -> None:
    """b: a document that is not in the blob store, run by a worker."""
    message = queue_view.put_document(run, f"gone {rng.getrandbits(64)}".encode())
    (run.blob_folder / message["blob_key"]).unlink()
    task_id = run_task(student, run, worker, message)
    sent = f"GET /tasks/{task_id}, of a task whose document is not in the blob store"
    answer, body = ask(api, task_id, sent, "status 'failed' and the error")
    error = check_failed(sent, answer, body)
    if error.get("type") != "blob_not_found":
        fail(
            sent=sent,
            expected="error.type 'blob_not_found', the stable kind of `BlobNotFound`",
            got=error,
            cause="the error is not built from `public_error(info)`, which returns type and message",
        )


def test_an_error_that_nobody_foresaw(
    student: Student, run: Run, api: Api, worker: Worker, rng: Random
) -> None:
    """b: a validation error that really happens, and a stored error whose text has a password."""
    secret = f"hunter{rng.getrandbits(48):012x}"
    real = run_task(student, run, worker, {"blob_key": secret})
    planted = str(uuid.uuid4())
    text = f"Error 111 connecting to redis://:{secret}@db:6379. File /srv/pipeline/{secret}.py"
    queue_view.plant(
        run,
        planted,
        "FAILURE",
        {"exc_type": "ValueError", "exc_module": "builtins", "exc_message": [text]},
        traceback=f"Traceback (most recent call last):\n  {text}",
    )
    for task_id, what in ((real, "a validation error"), (planted, f"ValueError({text!r})")):
        sent = f"GET /tasks/{task_id}, of a task that failed with {what}"
        answer, body = ask(api, task_id, sent, "status 'failed' and an error without its text")
        check_failed(sent, answer, body)
        if leak := sending.leak_in(answer.text, secret, str(run.blob_folder)):
            fail(
                sent=sent,
                expected="a response that any client may read",
                got=f"{leak!r} in it: {answer.text[:300]}",
                cause="the response contains the exception's own text. `public_error` hides the text of "
                "every exception that is not a `PipelineError`",
            )


def check_failed(sent: str, answer: httpx.Response, body: dict[str, Any]) -> dict[str, Any]:
    if body.get("status") != "failed" or body.get("result") is not None:
        fail(
            sent=sent,
            expected="status 'failed' and no result",
            got=f"status {body.get('status')!r}, result {body.get('result')!r}",
            cause="a state in `states.EXCEPTION_STATES` has an exception in `info`, not a result",
        )
    error = body.get("error")
    if not isinstance(error, dict) or not all(
        isinstance(error.get(key), str) and error[key] for key in ("type", "message")
    ):
        fail(
            sent=sent,
            expected="an error with a type and a message",
            got=error,
            cause="the error is not a `TaskError` with the fields that `public_error(info)` returns",
        )
    if leak := sending.leak_in(answer.text):
        fail(
            sent=sent,
            expected="a response that any client may read",
            got=f"{leak!r} in it: {answer.text[:300]}",
            cause="the response contains the exception's own text or a part of its traceback, which "
            "`public_error` hides",
        )
    return error


def test_an_id_that_nobody_submitted(run: Run, api: Api) -> None:
    """c: an id that was never submitted, and one whose result has expired."""
    expired = str(uuid.uuid4())
    queue_view.plant(run, expired, "SUCCESS", {"words": 3})
    api.get(f"/tasks/{expired}")
    broker.database(run, broker.RESULTS).delete(f"{queue_view.META}{expired}")
    for task_id, what in (
        (str(uuid.uuid4()), "an id that was never submitted"),
        (expired, "a task whose result has expired"),
    ):
        answer = api.get(f"/tasks/{task_id}")
        if answer.status_code != 404:
            fail(
                sent=f"GET /tasks/{task_id}, {what}",
                expected="404",
                got=f"{answer.status_code} {answer.text[:200]}",
                cause="PENDING was treated as 'waiting'. In Celery it means that nothing is stored "
                "under this id; a document that waits is QUEUED",
                log=log_of(api, answer),
            )
        if sending.parsed(answer.text).get("type") != "task_not_found":
            fail(
                sent=f"GET /tasks/{task_id}, {what}",
                expected="404 with the type 'task_not_found'",
                got=answer.text[:200],
                cause="another error was raised that has the same status. Programs compare the type, "
                "so raise `TaskNotFound`",
            )
