"""Runs one task of a job, from taking the job to the write that ends the step. Given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from celery.exceptions import TaskPredicate

from pipeline.errors import public_error
from pipeline.lifecycle.decisions import (
    AfterError,
    Done,
    Drop,
    Failed,
    GiveUp,
    Outcome,
    RetryAfter,
    Run,
)
from pipeline.lifecycle.ending import end_job
from pipeline.lifecycle.hooks import TaskCall, hooks
from pipeline.models.errors import JobConflict, JobStoreUnavailable
from pipeline.models.job import Job, Status, move
from pipeline.models.leases import keep_alive
from pipeline.models.steps import STEPS
from pipeline.tasks.tracking import acquire, begin_step, end_step


def run_task(call: TaskCall, work: Callable[[Job], Any]) -> Outcome:
    """Run one task of a job, if the job's row allows it, and write the outcome to the row.

    If the row rejects a write, or DynamoDB is unreachable, drop this run. If the job still needs a
    run, its row says so, and the outbox publishes its message again.

    Args:
        call: the message that this worker has received.
        work: does the task's work, and returns its result.

    Returns:
        The outcome as a value: `Done`, `Failed`, `RetryAfter` or `Drop`.
    """
    try:
        job = take(call)
        if job is None:
            return Drop(f"nothing to do for job {call.job_id}")
        for hook in hooks():
            decision = hook.before(job, call)
            if not isinstance(decision, Run):
                return decided(job, decision)
        try:
            with keep_alive(job):
                result = work(job)
        except TaskPredicate:  # raised by Celery when other tasks replace this one
            raise
        except Exception as error:
            return decided(job, after_error(job, call, error))
        succeed(job, call.number, result)
    except (JobConflict, JobStoreUnavailable) as error:
        return Drop(f"work on job {call.job_id} is dropped: {error}")
    return Done(result)


def take(call: TaskCall) -> Job | None:
    """Take the job for this task. None: the row says that this task must not run now."""
    if call.number:
        return begin_step(call.job_id, call.number, call.worker)
    return acquire(call.job_id, call.worker)


def after_error(job: Job, call: TaskCall, error: Exception) -> AfterError:
    """Return the decision of the first hook that makes one. If none does, give the job up."""
    for hook in hooks():
        decision = hook.on_error(job, call, error)
        if decision is not None:
            return decision
    return GiveUp(error)


def decided(job: Job, decision: Drop | RetryAfter | GiveUp) -> Outcome:
    """Carry out a decision that ends this run."""
    if not isinstance(decision, GiveUp):
        return decision

    def fail(more: Any) -> Job:
        changes = {"error": public_error(decision.error), **more}
        return move(job.id, Status.FAILED, changes, generation=job.generation)

    end_job(job, Status.FAILED, decision.write or fail)
    return Failed(decision.error)


def succeed(job: Job, number: int, result: Any) -> None:
    """Write that a step is done. The last one ends the job."""
    if number < len(STEPS):
        end_step(job, number, {})
        return
    answer = {"result": json.dumps(result)}
    end_job(job, Status.COMPLETED, lambda more: end_step(job, number, {**answer, **more}))
