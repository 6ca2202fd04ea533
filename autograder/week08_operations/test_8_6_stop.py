"""8.6: a worker that is replaced finishes its task, and gives back what it has not begun."""

from __future__ import annotations

import signal
import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Fault, OpenAIControl, Run, Student, Worker, broker, fail, until
from autograder.week08_operations.backlog import emptied

pytestmark = pytest.mark.item("8.6")

__all__ = ["emptied"]

TASK_SECONDS = 1.5
STOP_SECONDS = 3.0
"""How long a worker that stops lets its task run on: longer than the task."""
END_SECONDS = 20.0
COUNTDOWN_SECONDS = 600


def stop(worker: Worker, cause: str) -> None:
    """Send what a supervisor's SIGTERM becomes, and wait for the end of the worker."""
    worker.process.kill(signal.SIGQUIT)
    if not until(lambda: not worker.alive, END_SECONDS):
        worker.kill()
        sent = f"SIGQUIT to a worker, GRACEFUL_STOP_SECONDS {STOP_SECONDS:g}"
        fail(sent=sent, expected=f"it ends within {END_SECONDS:g} s", got="it runs on", cause=cause)


def settings(concurrency: int) -> dict[str, str]:
    return {
        "GRACEFUL_STOP_SECONDS": str(STOP_SECONDS),
        "WORKER_CONCURRENCY": str(concurrency),
        "REMAP_SIGTERM": "SIGQUIT",
    }


def test_the_running_task_is_finished(
    student: Student, run: Run, openai: OpenAIControl, rng: Random, emptied: None
) -> None:
    """n: the task that runs when the signal arrives ends normally, and runs once."""
    title = f"Tides {rng.getrandbits(32):x}"
    openai.script(Fault.slow(TASK_SECONDS))
    worker = student.start_worker("replaced", settings(1))
    task = str(student.call("pipeline.producer", "enqueue_later", title, 0))
    asked = until(lambda: openai.journal("chat"), 15.0)
    time.sleep(0.3)
    stop(worker, "after its task has ended, the worker must end")
    sent = (
        f"SIGQUIT while a task of {TASK_SECONDS:g} s runs, GRACEFUL_STOP_SECONDS {STOP_SECONDS:g}"
    )
    log = worker.tail()
    if not asked:
        fail(sent=sent, expected="the task begins", got="not within 15 s", log=log)
    if not broker.ended_anywhere(run, task):
        fail(
            sent=sent,
            expected="the task has its result",
            got="it was cancelled",
            cause="with a soft shutdown of `seconds` the worker waits for its task first",
            log=log,
        )


def test_a_waiting_message_is_given_back(
    student: Student, run: Run, rng: Random, emptied: None
) -> None:
    """o: a message whose countdown has not ended is in its queue again, at once."""
    worker = student.start_worker("idle", settings(1))
    client: Any = broker.database(run, broker.BROKER)
    title = f"Tides {rng.getrandbits(32):x}"
    task = str(student.call("pipeline.producer", "enqueue_later", title, COUNTDOWN_SECONDS))
    taken = until(lambda: f"[{task}] received" in worker.recent(), 15.0)
    sent = "SIGQUIT to a worker that runs nothing, and holds a message with a countdown"
    if not taken:
        fail(sent=sent, expected="the worker takes it", got="not within 15 s", log=worker.tail())
    stop(worker, "the worker must end")
    back = [one for one in broker.waiting(run) if one.headers.get("id") == task]
    if not back:
        held = int(client.hlen("unacked"))
        fail(
            sent=sent,
            expected="the message is in its queue",
            got=f"it is in no queue; {held} unacknowledged",
            cause="the soft shutdown must also happen on a worker that is idle",
            log=worker.tail(),
        )
