"""1.0, the first green: a worker runs the task `hello`, and its result is stored.

What a submission could fake:
- counts: nothing is counted.
- witness: the result in Redis, which a producer can write too. The item has no points, so this stays.
- place: the name that is greeted is random in every run.
- store: the result is found in whichever database of Redis it is.
- probe: none.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Run, Student, TookTooLong, Worker, broker, fail, show, until

pytestmark = pytest.mark.item("1.0")

TASK = "pipeline.tasks.hello"
NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Leslie", "Frances")
ENQUEUE_SECONDS = 8.0
"""The first call also imports everything."""
RESULT_SECONDS = 10.0


def test_a_worker_runs_hello(
    student: Student, run: Run, launched_worker: Worker, rng: Random
) -> None:
    """a: the greeting for a random name is stored as the task's result."""
    name = f"{rng.choice(NAMES)} {rng.getrandbits(32):08x}"
    sent = f"hello.delay({name!r})"
    task_id = enqueue(student, sent, name)
    student.await_worker(launched_worker)
    stored = until(lambda: broker.ended_anywhere(run, task_id), RESULT_SECONDS)
    expected = f"Hello, {name}!"
    if stored is None:
        fail(
            sent=sent,
            expected=f"a stored result, the text {expected!r}",
            got=f"no result in Redis after {RESULT_SECONDS:g} s",
            cause="the worker did not finish the task: the lines of its log say why",
            log=launched_worker.tail(),
        )
    said = stored.get("result")
    if said != expected and not (isinstance(said, bytes) and expected.encode() in said):
        fail(
            sent=sent,
            expected=f"the text {expected!r}",
            got=show(said),
            cause="`hello` does not return the greeting for the name that it is given",
        )


def enqueue(student: Student, sent: str, name: str) -> str:
    """Enqueue `hello` by Celery's own `delay`, and return the task's id."""
    try:
        handle = student.call(TASK, "hello.delay", name, timeout=ENQUEUE_SECONDS)
    except TookTooLong:
        fail(
            sent=sent,
            expected="the task's id, at once",
            got=f"the producer was still trying after {ENQUEUE_SECONDS:g} s",
            cause="no Redis server answers at the broker's address: see item 1.1",
        )
    if not (isinstance(handle, dict) and handle.get("__type__") == "AsyncResult"):
        fail(
            sent=sent,
            expected="Celery's AsyncResult",
            got=handle,
            cause="`hello` is not a Celery task any more: the decorator was removed",
        )
    return str(handle["value"])
