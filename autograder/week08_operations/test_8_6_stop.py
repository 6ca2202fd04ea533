"""8.6: a worker that is replaced finishes its task, and gives back what it has not begun.

What a submission could fake:
- counts: counters are compared with those before each call, and no other may change. A task that was
  finished has exactly one request.
- witness: the log is the submission's word. So a task that ended must have its result in Redis and its
  request in the provider's journal too.
- place: ages, times, names and the seconds of a stop are random or tried on both sides.
- store: a message that is given back is looked for in all queues, and in the logs of all other workers.
- probe: Redis says which commands a look at a queue has run, those of scripts too. `fields` and the
  counting functions are called in the calling process only, and take no less work there.
"""

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
ENQUEUED, START_SECONDS = 6, 4.0
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


def running_task(student: Student, worker: Worker, rng: Random, sent: str) -> tuple[str, str]:
    """Enqueue tasks until the worker runs one of them, and return its id and its title.

    Another worker of this run may take some.
    """
    tasks: dict[str, str] = {}

    def taken() -> str | None:
        return next((one for one in tasks if received(worker, one)), None)

    for _ in range(ENQUEUED):
        title = f"Tides {rng.getrandbits(32):x}"
        tasks[str(student.call("pipeline.producer", "enqueue_later", title, 0))] = title
        if task := until(taken, START_SECONDS):
            time.sleep(0.4)
            return task, tasks[task]
    got = f"none of {ENQUEUED} within {ENQUEUED * START_SECONDS:g} s"
    fail(sent=sent, expected="the worker begins a task", got=got, log=worker.tail())


def received(worker: Worker, task: str) -> bool:
    return f"[{task}] received" in worker.recent()


def settings(seconds: float) -> dict[str, str]:
    return {"GRACEFUL_STOP_SECONDS": str(seconds), "WORKER_CONCURRENCY": "1"}


def test_the_running_task_is_finished(
    student: Student, run: Run, openai: OpenAIControl, rng: Random, emptied: None
) -> None:
    """n: the task that runs when the signal arrives ends normally, and runs once."""
    openai.script(Fault.slow(TASK_SECONDS, times=ENQUEUED))
    worker = student.start_worker("replaced", settings(STOP_SECONDS))
    sent = (
        f"SIGQUIT while a task of {TASK_SECONDS:g} s runs, GRACEFUL_STOP_SECONDS {STOP_SECONDS:g}"
    )
    task, title = running_task(student, worker, rng, sent)
    stop(worker, sent, "after its task has ended, the worker must end")
    log = worker.tail()
    again = any(one.headers.get("id") == task for one in broker.waiting(run))
    result = broker.ended_anywhere(run, task) or {}  # the log alone is the submission's word
    said = f"[{task}] succeeded" in worker.recent()
    if again or not said or result.get("status") != "SUCCESS":
        fail(
            sent=sent,
            expected="the task ends on this worker, and its result is stored",
            got="its message is in the queue again" if again else "it was cancelled",
            cause="with a soft shutdown of `seconds` the worker waits for its task first",
            log=log,
        )
    asked = [one for one in openai.journal("chat") if title in " ".join(one.inputs)]
    if len(asked) != 1:
        cause = (
            "a task that was finished must not be given back too: it would run on another worker"
        )
        got = f"{len(asked)} requests about this title"
        fail(sent=sent, expected="the task runs once", got=got, cause=cause, log=log)


def test_half_a_second(student: Student, rng: Random) -> None:
    """n: a fraction of a second counts."""
    seconds = rng.randint(1, 9) / 10
    found = student.call("pipeline.tasks.graceful", "graceful_stop", seconds)
    set_to = found.get("worker_soft_shutdown_timeout") if isinstance(found, dict) else None
    if isinstance(set_to, int | float) and set_to < seconds:
        cause = "a fraction of a second counts: pass `seconds` on as it is"
        fail(sent=f"graceful_stop({seconds})", expected=f"{seconds} s", got=set_to, cause=cause)


def test_a_long_task_is_given_back(
    student: Student, run: Run, openai: OpenAIControl, rng: Random, emptied: None
) -> None:
    """o: a task that takes longer is cancelled after `seconds`, and its message is in its queue again."""
    openai.script(Fault.slow(LONG_TASK_SECONDS, times=ENQUEUED))
    worker = student.start_worker("impatient", settings(SHORT_SECONDS))
    sent = f"SIGQUIT while a task of {LONG_TASK_SECONDS:g} s runs, GRACEFUL_STOP_SECONDS {SHORT_SECONDS:g}"
    task, _ = running_task(student, worker, rng, sent)
    stop(worker, sent, "the time for running tasks is the argument `seconds`")
    others = [one for one in student.workers if one is not worker]
    back = any(one.headers.get("id") == task for one in broker.waiting(run))
    if not back and not any(received(one, task) for one in others):
        fail(
            sent=sent,
            expected="the message is in its queue",
            got="it is in no queue",
            cause="a message that is not given back waits for the visibility timeout",
            log=worker.tail(),
        )
