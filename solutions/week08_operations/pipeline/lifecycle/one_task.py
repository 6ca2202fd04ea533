"""Runs the steps of a job one after another, under one lease. Given to students complete.

Every step keeps its boundary: the row says which step runs, all hooks are asked before it, its artifact is
stored, and it is retried alone. But the end of a step and the begin of the next one are a single write, and
no message is published between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from boto3.dynamodb.conditions import Attr
from celery.exceptions import TaskPredicate

from pipeline.lifecycle.decisions import Done, Drop, Outcome, Run
from pipeline.lifecycle.hooks import TaskCall, hooks
from pipeline.lifecycle.running import after_error, decided, succeed
from pipeline.metrics.hook import stop_clock
from pipeline.models.errors import JobConflict, JobStoreUnavailable
from pipeline.models.job import Job, Status, jobs
from pipeline.models.leases import keep_alive, lease
from pipeline.models.steps import STEPS
from pipeline.models.table import ConditionFailed, moment

Work = Callable[[Any], Any]
"""Does the work of one step. It takes what the step before has returned."""


@dataclass(frozen=True)
class Stopped:
    """Where the steps ended, and how. After the last step the outcome is `Done`."""

    call: TaskCall
    outcome: Outcome


def run_steps(job: Job, entry: TaskCall, works: Sequence[Work]) -> Stopped:
    """Run all steps of a job, until one of them does not end with a result.

    Args:
        job: the job as `acquire` returned it to this worker.
        entry: the call of the entry task. Its first argument is the document's reference.
        works: one for each step, in order.

    Returns:
        The call of the step that was last, and its outcome.
    """
    stopped = Stopped(entry, Drop(f"job {job.id} has no steps"))
    argument = entry.arguments[0]
    for number, work in enumerate(works, 1):
        call = replace(entry, number=number, task=STEPS[number - 1].task, arguments=[argument])
        try:
            job = begin_next(job, number)
            stopped = Stopped(call, run_step(job, call, work))
        except (JobConflict, JobStoreUnavailable) as error:
            return Stopped(call, Drop(f"work on job {job.id} is dropped: {error}"))
        if not isinstance(stopped.outcome, Done):
            break
        if number < len(works):
            stop_clock("done")  # after the last step Celery's signal stops it
        argument = stopped.outcome.result
    return stopped


def run_step(job: Job, call: TaskCall, work: Work) -> Outcome:
    """Run one step under the lease that its worker has, as `run_task` does.

    Raises:
        JobConflict: the job was cancelled, or taken by another worker.
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    for hook in hooks():
        decision = hook.before(job, call)
        if not isinstance(decision, Run):
            return decided(job, decision)
    try:
        with keep_alive(job):
            result = work(call.arguments[0])
    except TaskPredicate:
        raise
    except Exception as error:
        return decided(job, after_error(job, call, error))
    if call.number == len(STEPS):
        succeed(job, call.number, result)
    return Done(result)


def begin_next(job: Job, number: int) -> Job:
    """Write that the step before is done, and that this worker begins the next one.

    Args:
        job: the job as this worker has it: from `acquire`, or from the begin of the step before.
        number: the number of the step that begins, from 1.

    Returns:
        The job as it is after the write, with the next generation.

    Raises:
        JobConflict: the job was cancelled, or taken by another worker. Nothing was written.
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    name = STEPS[number - 1].name
    changes = {
        **ended(job, number - 1),
        **lease(job.id, str(job.lease_owner)),
        "step": name,
        f"steps.{name}": {"started_at": moment()},
    }
    held = (
        Attr("status").eq(Status.PROCESSING.value)
        & Attr("generation").eq(job.generation)
        & Attr("lease_owner").exists()
    )
    try:
        return Job.from_item(jobs().update(job.id, changes, held, add={"generation": 1}))
    except ConditionFailed:
        raise JobConflict from None


def ended(job: Job, number: int) -> Mapping[str, Any]:
    """Return what the row says of a step that is done. 0: the entry task, of which it says nothing."""
    if number == 0:
        return {}
    step = STEPS[number - 1]
    return {
        "steps_done": number,
        "percent": max(job.percent, step.percent),  # a job that restarted can be further already
        f"steps.{step.name}.ended_at": moment(),
    }
