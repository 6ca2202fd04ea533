"""3.5: a step begins when a worker takes its message, and not before."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import (
    Api,
    Fault,
    OpenAIControl,
    Run,
    Worker,
    blobs,
    broker,
    fail,
    until,
)
from autograder.sdk.documents import random_document
from autograder.week03_pipeline.uploads import (
    DONE_SECONDS,
    STEPS,
    check_result,
    ended,
    status_when,
    upload,
)

pytestmark = [pytest.mark.item("3.5"), pytest.mark.usefixtures("stores")]

MODEL_SECONDS = 1.5
"""How long the provider takes, so that the worker can be paused meanwhile."""
SETTLE_SECONDS = 0.4
"""A step that runs without a message of its own has begun after this time."""
MOST_TRIES = 5
TASKS = {"chunk": "pipeline.chunk_document", "index": "pipeline.index_document"}


def test_a_paused_worker_begins_no_step(
    run: Run, api: Api, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """f, h: the worker takes no more messages while it parses, and once more while it embeds. The step that
    runs may end, and the next one must wait as a message in the queue.
    """
    for step, following in (("parse", "chunk"), ("embed", "index")):
        openai.script(Fault.slow(MODEL_SECONDS, times=1))
        for _ in range(MOST_TRIES):  # on a busy machine a step can be over before it was seen
            made = random_document(rng, "pdf", 40, 40)
            document_id = str(upload(api, made)["task_id"])
            until(lambda: step_in(run, document_id) in (step, "ended"), DONE_SECONDS)  # noqa: B023
            with broker.not_taken(run, worker):
                seen = step_in(run, document_id) == step
                if seen:
                    check_waits(run, document_id, step, following)
            status = status_when(api, document_id, ended)
            check_result(f"upload of {made.name}", run, status, made, worker)
            if seen:
                break
        else:
            raise TimeoutError(f"the step {step} was over each time before it was seen")


def check_waits(run: Run, document_id: str, step: str, following: str) -> None:
    """Check that the step ends, and that the next one waits."""
    count = STEPS.index(step) + 1
    until(lambda: len(artifacts(run, document_id)) >= count, DONE_SECONDS)
    waits = until(lambda: TASKS[following] in waiting_for(run, document_id), DONE_SECONDS)
    time.sleep(SETTLE_SECONDS)
    sent = f"an upload; while the step {step} runs, the worker stops to take messages"
    if not waits:
        fail(
            sent=sent,
            expected=f"a message for {TASKS[following]} in the queue, with the reference of the document",
            got="no such message",
            cause="a step was called like a function. Then it runs inside another task, and it cannot "
            "be retried or moved to another worker by itself",
        )
    now, made = step_in(run, document_id), artifacts(run, document_id)
    if now != step or len(made) > count:
        fail(
            sent=sent,
            expected=f"a document that is still at the step {step}",
            got=f"the step {now}, with {len(made)} artifacts",
            cause="a step runs before a worker has taken its message: build a chain of the four tasks, "
            "and replace this task by it",
        )


def step_in(run: Run, document_id: str) -> str:
    """Return the step of which the stored state of a document tells, or "ended"."""
    if broker.ended_anywhere(run, document_id):
        return "ended"
    return str(broker.progress(run, document_id).get("step"))


def waiting_for(run: Run, document_id: str) -> list[Any]:
    """Return the tasks whose messages wait in a queue and name a document."""
    return [
        message.headers.get("task")
        for message in broker.waiting(run)
        if message.queue == broker.QUEUE and document_id.encode() in message.body
    ]


def artifacts(run: Run, document_id: str) -> list[str]:
    """Return the keys of the artifacts of a document."""
    return [key for key in blobs.stored(run) if key.startswith(f"artifacts/{document_id}/")]
