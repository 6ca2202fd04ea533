"""Lets the entry task run all steps of its job itself, if `STEPS_IN_ONE_TASK` is on.

Given to students complete. A message for each step costs a publish, a delivery, an acknowledgement and a
write, and a document that parses in 20 ms has five of them. The setting is for workers that take all queues
of jobs: with queues of their own for `cpu` and `io`, each step needs its own message. It is off by default.
A step that has to wait or to run again gets a message of its own, as before, and so have the steps after it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

from celery import chain
from celery.canvas import _chain
from celery.exceptions import Ignore, TaskPredicate
from celery.utils.log import get_task_logger
from kombu.exceptions import OperationalError

from pipeline.lifecycle.decisions import Done, Failed, RetryAfter
from pipeline.lifecycle.hooks import TaskCall
from pipeline.lifecycle.one_task import Stopped, Work, run_steps
from pipeline.metrics.hook import stop_clock
from pipeline.models.job import Job
from pipeline.models.operation_settings import operation_settings
from pipeline.models.steps import ENTRY_TASK, STEPS
from pipeline.tasks.celery_config import app
from pipeline.tasks.job_task import JobTask

logger = get_task_logger(__name__)

TIME_LIMITS = {"soft_time_limit": 1_800, "time_limit": 1_860}
"""The most seconds of a job's steps together, in one task. Below the visibility timeout (3,600 s)."""


class InOneTask(TaskPredicate):  # type: ignore[misc]  # Celery has no types
    """Raised by `replace` in place of publishing the steps. `run_task` lets it through."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job


class OneTask(JobTask):
    """A task of a job. The entry task may run the steps itself."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except InOneTask as taken:
            job = taken.job
        entry = TaskCall(0, self.name, f"{self.request.hostname}/{os.getpid()}", list(args))
        return self.outcome(run_steps(job, entry, self.works(job)))

    def replace(self, sig: Any) -> Any:
        """Run the steps in this task, if the setting is on and `sig` is the chain of the four steps."""
        job = getattr(self.request, "job", None)
        if job is None or not operation_settings().steps_in_one_task or not are_the_steps(sig):
            return super().replace(sig)
        raise InOneTask(job)

    def works(self, job: Job) -> list[Work]:
        """Return what runs each step: the step's own task, in the request of this one."""
        return [partial(self.run_as, self.app.tasks[step.task], job) for step in STEPS]

    def run_as(self, task: Any, job: Job, argument: Any) -> Any:
        """Run another task with this one's request, so that its code sees where it runs."""
        with request_of(task, {**self.request.__dict__, "args": [argument], "job": job}):
            return task.run(argument)

    def outcome(self, stopped: Stopped) -> Any:
        """Return the last step's result, or raise what tells Celery that there is none."""
        outcome = stopped.outcome
        if isinstance(outcome, Done):
            return outcome.result
        if isinstance(outcome, Failed):
            raise outcome.error
        if isinstance(outcome, RetryAfter):
            self.send_step(stopped.call, outcome)
        logger.info("%s", outcome.reason)
        raise Ignore

    def send_step(self, call: TaskCall, after: RetryAfter) -> NoReturn:
        """Publish the message of a step that has to run later, and of those after it. Raises Ignore."""
        stop_clock("retry")
        first, *others = STEPS[call.number - 1 :]
        steps = [self.app.signature(first.task, args=call.arguments)]
        steps += [self.app.signature(step.task) for step in others]
        try:
            chain(*steps).apply_async(task_id=call.job_id, countdown=after.seconds)
        except OperationalError as error:  # the row is due later
            logger.warning("job %s waits for the outbox: %s", call.job_id, error)
        raise Ignore


@contextmanager
def request_of(task: Any, request: dict[str, Any]) -> Iterator[None]:
    """Let a task have this request for the time of the block."""
    task.push_request(**request)
    try:
        yield
    finally:
        task.pop_request()


def are_the_steps(sig: Any) -> bool:
    """Return whether a signature is the chain of all steps, in order, without anything of its own."""
    tasks: Sequence[Any] = sig.tasks if isinstance(sig, _chain) else ()
    return [one.task for one in tasks] == [step.task for step in STEPS]


if operation_settings().steps_in_one_task:
    app.conf.task_annotations = {**app.conf.task_annotations, ENTRY_TASK: TIME_LIMITS}
