"""2.0, the first green: the API shows a task that waits in the queue.

What a submission could fake:
- counts: nothing is counted.
- witness: the response over HTTP.
- place: id and progress are random.
- store: only the response counts.
- probe: the state is stored by the grader, in Celery's own form.
"""

from __future__ import annotations

import uuid
from random import Random

import pytest

from autograder.sdk import Api, Run, fail
from autograder.sdk.api_log import log_of
from autograder.week02_api import queue_view, sending

pytestmark = pytest.mark.item("2.0")

STEPS = ("queued", "waiting", "accepted")


def test_a_waiting_task(run: Run, api: Api, rng: Random) -> None:
    """a: the status and the progress of a task in the state QUEUED."""
    task_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    progress = {"step": rng.choice(STEPS), "percent": rng.randint(0, 9)}
    queue_view.plant(run, task_id, "QUEUED", progress)
    sent = f"GET /tasks/{task_id}, after QUEUED and {progress} were stored for it"
    answer = api.get(f"/tasks/{task_id}")
    body = sending.status_in(api, answer)
    if not body:
        fail(
            sent=sent,
            expected="200, status 'pending' and this progress",
            got=f"{answer.status_code} {answer.text[:200]}",
            cause="`status_of` raised an exception for a task that waits",
            log=log_of(api, answer),
        )
    if body.get("status") != "pending":
        fail(
            sent=sent,
            expected="status 'pending'",
            got=f"status {body.get('status')!r}",
            cause="the status of a task that waits in the queue must be 'pending'",
        )
    if body.get("progress") != progress:
        fail(
            sent=sent,
            expected=f"progress {progress}",
            got=f"progress {body.get('progress')!r}",
            cause="the progress is not built from `info`: use `Progress(**info)`",
        )
