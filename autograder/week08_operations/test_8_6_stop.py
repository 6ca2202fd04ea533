"""8.6: a worker that is replaced finishes its task, and gives back what it has not begun."""

from __future__ import annotations

import signal
import time
from random import Random

import pytest

from autograder.sdk import Fault, OpenAIControl, Run, Student, Worker, broker, fail, until
from autograder.week08_operations.backlog import emptied

pytestmark = pytest.mark.item("8.6")

__all__ = ["emptied"]

TASK_SECONDS = 1.5
STOP_SECONDS = 3.0
"""How long a worker that stops lets its task run on: longer than the task."""
SHORT_SECONDS = 1.0
LONG_TASK_SECONDS = 30.0
START_SECONDS = 15.0
END_SECONDS = 20.0


def stop(worker: Worker, sent: str, cause: str) -> None:
    """Send what a supervisor's SIGTERM becomes, and wait for the end of the worker."""
    worker.process.kill(signal.SIGQUIT)
    if not until(lambda: not worker.alive, END_SECONDS):
        worker.kill()
        fail(
            sent=sent,
            expected=f"the worker ends within {END_SECONDS:g} s",
            got="it runs on",
            cause=cause,
        )


def await_start(worker: Worker, task: str, sent: str) -> None:
    """Wait until the worker runs a task."""
    if not until(lambda: f"[{task}] received" in worker.recent(), START_SECONDS):
        got = f"not within {START_SECONDS:g} s"
        fail(sent=sent, expected="the task begins", got=got, log=worker.tail())
    time.sleep(0.4)


def settings(seconds: float) -> dict[str, str]:
    return {"GRACEFUL_STOP_SECONDS": str(seconds), "WORKER_CONCURRENCY": "1"}


def test_the_running_task_is_finished(
    student: Student, run: Run, openai: OpenAIControl, rng: Random, emptied: None
) -> None:
    """n: the task that runs when the signal arrives ends normally, and runs once."""
    title = f"Tides {rng.getrandbits(32):x}"
    openai.script(Fault.slow(TASK_SECONDS))
    worker = student.start_worker("replaced", settings(STOP_SECONDS))
    task = str(student.call("pipeline.producer", "enqueue_later", title, 0))
    sent = (
        f"SIGQUIT while a task of {TASK_SECONDS:g} s runs, GRACEFUL_STOP_SECONDS {STOP_SECONDS:g}"
    )
    await_start(worker, task, sent)
    stop(worker, sent, "after its task has ended, the worker must end")
    log = worker.tail()
    if not broker.ended_anywhere(run, task):
        fail(
            sent=sent,
            expected="the task has its result",
            got="it was cancelled",
            cause="with a soft shutdown of `seconds` the worker waits for its task first",
            log=log,
        )


def test_a_long_task_is_given_back(
    student: Student, run: Run, openai: OpenAIControl, rng: Random, emptied: None
) -> None:
    """o: a task that takes longer is cancelled after `seconds`, and its message is in its queue again."""
    openai.script(Fault.slow(LONG_TASK_SECONDS))
    worker = student.start_worker("impatient", settings(SHORT_SECONDS))
    title = f"Tides {rng.getrandbits(32):x}"
    task = str(student.call("pipeline.producer", "enqueue_later", title, 0))
    sent = f"SIGQUIT while a task of {LONG_TASK_SECONDS:g} s runs, GRACEFUL_STOP_SECONDS {SHORT_SECONDS:g}"
    await_start(worker, task, sent)
    stop(worker, sent, "the time for running tasks is the argument `seconds`")
    back = [one for one in broker.waiting(run) if one.headers.get("id") == task]
    if not back:
        fail(
            sent=sent,
            expected="the message is in its queue",
            got="it is in no queue",
            cause="a message that is not given back waits for the visibility timeout",
            log=worker.tail(),
        )
