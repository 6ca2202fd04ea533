"""The Celery side of a job: translates messages into calls, and outcomes into exceptions. Given."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject, TaskPredicate
from celery.utils.log import get_task_logger

from pipeline.lifecycle.decisions import Done, Failed, RetryAfter
from pipeline.lifecycle.hooks import TaskCall
from pipeline.lifecycle.running import run_task
from pipeline.models.errors import JobConflict, JobStoreUnavailable
from pipeline.models.job import Job
from pipeline.models.leases import hand_over
from pipeline.models.steps import number_of

logger = get_task_logger(__name__)

NO_LIMIT = sys.maxsize
"""Celery's own limit of retries. It is never reached, because the count in the row decides."""


@contextmanager
def dropped() -> Iterator[None]:
    """Drop this run if the row rejects a write, or DynamoDB is unreachable. Raises Ignore."""
    try:
        yield
    except (JobConflict, JobStoreUnavailable) as error:
        logger.warning("work on a job is dropped: %s", error)
        raise Ignore from error


class JobTask(Task):  # type: ignore[misc]  # Celery has no types
    """A task that runs only if the row of its job allows it. `run_task` decides about that.

    `pipeline.models.steps` lists the tasks that belong to a job. All other tasks run as usual.
    """

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        number = number_of(self.name)
        if number is None:
            return self.run(*args, **kwargs)
        worker = f"{self.request.hostname}/{os.getpid()}"
        call = TaskCall(number, self.name, worker, list(args))

        def work(job: Job) -> Any:
            self.request.job = job
            return self.run(*args, **kwargs)

        outcome = run_task(call, work)
        if isinstance(outcome, Done):
            return outcome.result
        if isinstance(outcome, Failed):
            raise outcome.error
        if isinstance(outcome, RetryAfter):
            self.send_again(call.job_id, outcome)
        logger.info("%s", outcome.reason)
        raise Ignore

    def send_again(self, job_id: str, after: RetryAfter) -> NoReturn:
        """Publish this task's message again, with the rest of its chain. Raises Retry or Ignore."""
        try:
            self.retry(exc=after.error, countdown=after.seconds, max_retries=NO_LIMIT)
        except Reject as rejected:  # the broker did not take the message: the row is due later
            logger.warning("job %s waits for the outbox: %s", job_id, rejected)
            raise Ignore from rejected
        raise AssertionError("Celery's retry always raises")

    def replace(self, sig: Any) -> Any:
        """End the lease, then let other tasks replace this one.

        If the lease were still there, the first of these tasks could not take the job.
        """
        job = getattr(self.request, "job", None)
        if job is None:
            return super().replace(sig)
        with dropped():
            hand_over(job, {})
        try:
            return super().replace(sig)
        except TaskPredicate:
            raise
        except Exception as error:
            logger.warning("job %s: no message for its steps", job.id, exc_info=error)
            raise Ignore from error
