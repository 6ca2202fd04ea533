"""2.4: what the API answers for each state that the result backend can store."""

from __future__ import annotations

import uuid
from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, Run, fail
from autograder.sdk.api_log import log_of
from autograder.week02_api import queue_view, sending

pytestmark = pytest.mark.item("2.4")

INTERNAL = {
    "type": "internal_error",
    "message": "Something went wrong on our side. It has been logged.",
}
ENDED = ("FAILURE", "REVOKED")
"""The states that are stored with an exception, or with none."""


def stored(kind: str, module: str, *arguments: object) -> dict[str, Any]:
    """Return an exception as Celery stores it."""
    return {"exc_type": kind, "exc_module": module, "exc_message": list(arguments)}


def errors(rng: Random) -> list[tuple[str, dict[str, Any] | None, dict[str, str]]]:
    """Return what a task failed with, how that is stored, and what a client may read of it."""
    secret = f"hunter{rng.getrandbits(48):012x}"
    message = f"Page {rng.randint(100, 999)} cannot be read."
    ours = "pipeline.errors"
    return [
        ("a permanent error of ours", stored("UnsupportedContent", ours, message),
         {"type": "unsupported_content", "message": message}),
        ("a transient error of ours", stored("BlobStoreUnavailable", ours, message),
         {"type": "blob_store_unavailable", "message": message}),
        ("an error of ours without a class of its own", stored("PipelineError", ours, message),
         {"type": "pipeline_error", "message": message}),
        ("a ValueError", stored("ValueError", "builtins", secret), INTERNAL),
        ("an OSError", stored("ConnectionError", "builtins", secret), INTERNAL),
        ("an error of a library, which has a `message` too",
         stored("ClickException", "click.exceptions", secret), INTERNAL),
        ("an error whose class does not exist here", stored("Gone", "pipeline.gone", secret), INTERNAL),
        ("a cancelled task", stored("TaskRevokedError", "celery.exceptions", secret), INTERNAL),
        ("no exception", None, INTERNAL),
    ]  # fmt: skip


def ask(run: Run, api: Api, state: str, value: Any) -> tuple[str, Any]:
    """Store a state, and return the id of its task and the response."""
    task_id = str(uuid.uuid4())
    queue_view.plant(run, task_id, state, value)
    return task_id, api.get(f"/tasks/{task_id}")


def test_every_end_with_an_error(run: Run, api: Api, rng: Random) -> None:
    """b: both states, with errors of ours, errors of others, and none."""
    for state in ENDED:
        for what, value, error in errors(rng):
            task_id, answer = ask(run, api, state, value)
            sent = f"GET /tasks/{task_id}, in the state {state} with {what}"
            wanted = {"task_id": task_id, "status": "failed", "result": None, "error": error}
            body = sending.status_in(api, answer)
            got = {name: body.get(name) for name in wanted}
            if answer.status_code != 200 or got != wanted:
                fail(
                    sent=sent,
                    expected=f"200, status 'failed', no result, and the error {error}",
                    got=f"{answer.status_code} {answer.text[:300]}",
                    cause=cause_of(answer.status_code, got, error),
                    log=log_of(api, answer),
                )


def cause_of(status: int, got: dict[str, Any], error: dict[str, str]) -> str:
    if status == 404:
        return (
            "a task that has ended is reported as unknown. All of `states.EXCEPTION_STATES` are "
            "failures, also REVOKED, and also if no exception is stored"
        )
    if status != 200 or got["status"] != "failed":
        return (
            "`status_of` returns 'failed' for each of `states.EXCEPTION_STATES`, and raises nothing"
        )
    if got["result"] is not None:
        return "`info` is an exception and not a result, so its text must not be in the response"
    if error == INTERNAL:
        return (
            "the error is not what `public_error(info)` returns. It hides the class, the text and the "
            "`message` of every exception that is not a `PipelineError`"
        )
    return "a `PipelineError` shows its kind and its message. Build both from `public_error(info)`"


def test_any_other_state(run: Run, api: Api, rng: Random) -> None:
    """c: states that nobody stores here, with and without a value."""
    for state in ("RECEIVED", "REJECTED", "IGNORED", f"STATE_{rng.getrandbits(32):X}", "PENDING"):
        for value in (None, {"step": "counting", "percent": 40}):
            task_id, answer = ask(run, api, state, value)
            if (answer.status_code, sending.parsed(answer.text).get("type")) != (
                404,
                "task_not_found",
            ):
                fail(
                    sent=f"GET /tasks/{task_id}, in the state {state} with {value}",
                    expected="404 with the type 'task_not_found'",
                    got=f"{answer.status_code} {answer.text[:200]}",
                    cause="only the states that the TODO and the lines above it name have an answer. "
                    "Raise `TaskNotFound` for any other one",
                    log=log_of(api, answer),
                )
