"""1.5: a task whose worker process is killed runs again, a limited number of times.

What a submission could fake:
- counts: runs are counted by title. Two are wanted and the third is a failure.
- witness: the journal of the model. Everything but the worker has ended when a task's process is killed,
  so nobody else can send the task again.
- place: titles, limits and delays are random.
- store: while the task runs, its message must be in `unacked`; then the node is killed, and another one
  runs it.
- probe: a kill cannot be foreseen. The settings of the other task are read, and are the student's word.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Fault, OpenAIControl, Run, Student, Worker, broker, fail, until
from autograder.week01_first_task import articles

pytestmark = pytest.mark.item("1.5")

HELD_SECONDS = 20.0
"""How long the model takes for a request whose worker will be killed."""
AGAIN_SECONDS = 15.0
"""Celery notices a dead process within about two seconds; on a loaded machine it needs longer."""
CONFIG = "pipeline.tasks.celery_config"
MOST_RUNS = 3
"""The worker was started with LOST_WORKER_RETRIES=1, so there are two runs and never a third."""
LATE = "the message was acknowledged before the task had run: set `task_acks_late`"
LIMIT = (
    "`task_reject_on_worker_lost` puts the message back without a limit; "
    "`task_retry_on_worker_lost` stops after the limit that `redelivery()` sets"
)
REPLACED = (
    "a setting of `delivery()` replaces one of `redelivery()`, which sets limit, delay and "
    "`visibility_timeout`"
)


def test_a_killed_task_runs_again(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """b: the task runs again after its process was killed, and its result is stored."""
    [title] = articles.titles(rng, 1)
    openai.script(Fault.slow(HELD_SECONDS, matching=title, times=1))
    task_id = start(student, worker, openai, title)
    kill_task(worker)
    check_runs_again(run, worker, openai, title, task_id)


def test_a_deadly_task_is_given_up(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """b, c: one retry and no second one."""
    [title] = articles.titles(rng, 1)
    openai.script(Fault.slow(HELD_SECONDS, matching=title, times=None))
    task_id = start(student, worker, openai, title)
    kill_task(worker)
    check_ends(run, worker, openai, title, task_id)


def start(student: Student, worker: Worker, openai: OpenAIControl, title: str) -> str:
    """Enqueue an article, and wait until the model is asked about it. Returns the task's id.

    The process that enqueued it has ended then, so nobody but a worker can run the task again.
    """
    task_id = articles.enqueue(student, title)
    student.leave_only(worker)
    if not articles.wait_for_requests(openai, title, 1, AGAIN_SECONDS):
        fail(
            sent=f"summarize_article.delay({title!r})",
            expected="a task that starts",
            got=f"it had not started after {AGAIN_SECONDS:g} s",
            log=worker.tail(),
        )
    return task_id


def kill_task(worker: Worker) -> None:
    """Send SIGKILL to the processes that run tasks, but not to the worker node itself."""
    if not worker.kill_pool():
        fail(
            sent=f"a task, and then a search for the child processes of the worker {worker.name!r}",
            expected="each task runs in a child process, so that one can be killed alone",
            got="the worker has no child processes",
            cause="`worker_pool` is threads or solo, so a task that dies kills the whole node",
        )


def check_runs_again(
    run: Run, worker: Worker, openai: OpenAIControl, title: str, task_id: str
) -> None:
    sent = f"summarize_article.delay({title!r}), and SIGKILL to the process that runs it"

    def decided() -> bool:
        return len(articles.requests_for(openai, title)) > 1 or failed(run, task_id)

    until(decided, AGAIN_SECONDS)
    if len(articles.requests_for(openai, title)) < 2:
        lost = failed(run, task_id)
        fail(
            sent=sent,
            expected="the task runs a second time",
            got="the worker stored a failure (WorkerLostError) and did not run it again"
            if lost
            else f"it did not run again within {AGAIN_SECONDS:g} s: the article is lost",
            cause="no setting retries a task whose process was killed: set "
            "`task_retry_on_worker_lost` together with `task_acks_late`"
            if lost
            else LATE,
            log=worker.tail(),
        )
    ended = articles.outcome(run, task_id, AGAIN_SECONDS)
    if ended is None or ended["status"] != "SUCCESS":
        fail(
            sent=sent,
            expected="the second run's result is stored",
            got=(ended or {}).get("result", "no result"),
            cause="the worker gave the task up before its second run had ended",
        )


def failed(run: Run, task_id: str) -> bool:
    ended = articles.outcome(run, task_id, 0)
    return ended is not None and ended["status"] == "FAILURE"


def check_ends(run: Run, worker: Worker, openai: OpenAIControl, title: str, task_id: str) -> None:
    """Kill each further run, until the worker gives the task up."""
    for number in range(2, MOST_RUNS + 1):

        def decided(number: int = number) -> bool:
            return len(articles.requests_for(openai, title)) >= number or failed(run, task_id)

        until(decided, AGAIN_SECONDS)
        if len(articles.requests_for(openai, title)) < number:
            return  # the worker gave the task up
        worker.kill_pool()
    worker.kill()
    fail(
        sent="a task whose process is killed at every run, with LOST_WORKER_RETRIES=1",
        expected="two runs, and then a failure",
        got=f"run number {MOST_RUNS}: the task would run without end",
        cause=LIMIT,
    )


def test_a_killed_node_hands_its_task_over(
    student: Student,
    run: Run,
    worker: Worker,
    environment: dict[str, str],
    openai: OpenAIControl,
    rng: Random,
) -> None:
    """a, c: kill the shared worker, so this test is the last one. Another node must run its task."""
    [title] = articles.titles(rng, 1)
    openai.script(Fault.slow(HELD_SECONDS, matching=title, times=1))
    task_id = start(student, worker, openai, title)
    if task_id not in {message.headers.get("id") for message in broker.taken(run)}:
        fail(
            sent=f"summarize_article.delay({title!r}), while the model is asked about it",
            expected="its message, which Redis keeps in the hash `unacked`",
            got="no message: if the whole node dies now, nobody knows of the task",
            cause=LATE,
        )
    worker.kill()
    changed = {**environment, "VISIBILITY_TIMEOUT_SECONDS": "1"}
    other = student.launch_worker("other", changed)
    student.leave_only(other)  # what the dead worker has started ends too
    student.await_worker(other)
    if len(articles.wait_for_requests(openai, title, 2, AGAIN_SECONDS)) < 2:
        fail(
            sent=f"summarize_article.delay({title!r}), and SIGKILL to the whole worker node; "
            "then another node, with VISIBILITY_TIMEOUT_SECONDS=1",
            expected="the other node runs the task",
            got=f"it had not started it after {AGAIN_SECONDS:g} s: the article is lost",
            cause=f"{LATE}. Or {REPLACED}",
            log=other.tail(),
        )


def test_acknowledged_late_also_without_retries(student: Student) -> None:
    """a: late acknowledgement does not depend on the number of retries."""
    with articles.restarted(student, LOST_WORKER_RETRIES=0):
        found = student.read(articles.TASK, "summarize_article.acks_late")
    if not found:
        fail(
            sent="summarize_article.acks_late, with LOST_WORKER_RETRIES=0",
            expected="True",
            got=found,
            cause="`task_acks_late` depends on another setting: if the whole node is lost, "
            "another one must still run its tasks",
        )


@pytest.mark.parametrize(
    ("module", "task"), [(articles.TASK, "summarize_article"), ("pipeline.tasks.hello", "hello")]
)
def test_all_tasks_are_retried(student: Student, module: str, task: str) -> None:
    """a, b: the settings hold for every task of the pipeline."""
    for name, setting in (
        ("acks_late", "task_acks_late"),
        ("retry_on_worker_lost", "task_retry_on_worker_lost"),
    ):
        found = student.read(module, f"{task}.{name}")
        if not found:
            fail(
                sent=f"{task}.{name}",
                expected="True",
                got=found,
                cause=f"`{setting}` is not set for all tasks, or not at all",
            )


def test_nothing_of_the_given_settings_is_replaced(student: Student) -> None:
    """c: each setting of `redelivery` is in force, as a whole."""
    given = student.call(CONFIG, "redelivery")
    for name, value in given.items():
        found = student.read(CONFIG, f"app.conf.{name}")
        if found != value:
            fail(sent=f"app.conf.{name}", expected=value, got=found, cause=REPLACED)


def test_limit_and_delay_are_those_of_the_settings(student: Student, rng: Random) -> None:
    """c: `delivery` replaces nothing that `redelivery` sets."""
    settings = {
        "LOST_WORKER_RETRIES": ("max_retries", rng.randint(4, 9)),
        "LOST_WORKER_RETRY_SECONDS": ("default_retry_delay", rng.randint(11, 99) / 10),
    }
    env = {variable: value for variable, (_, value) in settings.items()}
    with articles.restarted(student, **env):
        for variable, (name, value) in settings.items():
            found = student.read(articles.TASK, f"summarize_article.{name}")
            if found != value:
                fail(
                    sent=f"summarize_article.{name}, with {variable}={value}",
                    expected=str(value),
                    got=found,
                    cause=REPLACED,
                )
