"""The conditional writes with which a worker takes a job, begins a step and ends a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.conditions import Attr
from celery.utils.log import get_task_logger

from pipeline.models.job import Job, Status, jobs, move
from pipeline.models.leases import hand_over, lease
from pipeline.models.steps import STEPS
from pipeline.models.table import ConditionFailed, moment

logger = get_task_logger(__name__)


def acquire(job_id: str, worker: str) -> Job | None:
    """Take a whole job, to run its steps from the first one.

    If several workers try at the same time, only one of them gets the job.

    Args:
        job_id: the id of the job.
        worker: the name of the worker that takes it.

    Returns:
        The job as it is after the write, or None if the job must not be run now.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    changes = {"status": Status.PROCESSING.value, "steps_done": 0, **lease(job_id, worker)}
    # TODO 4.3:
    #   a) Write all of `changes` with one call of `jobs().update`. Do not read the row first.
    #   b) The condition of the write: the job is pending, or it is in processing and its
    #      `lease_until` has passed (`.lte(moment())`), with or without a `lease_owner`, even if
    #      that is `worker`. A finished job is never taken.
    #   c) In the same write, add 1 to `deliveries` and 1 to `generation`: the argument `add`.
    #   d) Return the item that `update` returns as a `Job`. If the condition fails, return None.
    #      Let every other error out.
    raise NotImplementedError("4.3")


def begin_step(job_id: str, number: int, worker: str) -> Job | None:
    """Take a job for one step.

    The step must be the next one, and no worker may have the job. A step never takes over an
    expired lease. The job restarts from the first step instead, so `deliveries` counts the crash.

    Args:
        job_id: the id of the job.
        number: the number of the step, from 1.
        worker: the name of the worker that takes the job.

    Returns:
        The job as it is after the write, or None if this step must not begin now.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    name = STEPS[number - 1].name
    # TODO 4.6:
    #   a) Write with one call of `jobs().update`: the attributes of `lease(job_id, worker)`, `step`
    #      with the name of the step, and `steps.<name>` (for example `steps.parse`) with
    #      `{"started_at": moment()}`. The dot keeps the times of the other steps.
    #   b) The condition of the write: the job is in processing, `steps_done` is `number - 1`, and
    #      there is no `lease_owner`.
    #   c) In the same write, add 1 to `generation`, and leave `deliveries` as it is.
    #   d) Return the item that `update` returns as a `Job`. If the condition fails, return None.
    #      Let every other error out.
    raise NotImplementedError("4.6")


def end_step(job: Job, number: int, more: Mapping[str, Any]) -> Job:
    """Write that a step is done. The last step completes the job, each other step hands it over.

    Args:
        job: the job as `begin_step` returned it to this worker.
        number: the number of the step, from 1.
        more: further attributes for the same write, such as the result.

    Returns:
        The job as it is after the write.

    Raises:
        JobConflict: the job was cancelled, or taken by another worker. Nothing was written.
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    # TODO 4.6:
    #   e) Write all of this with one call: `steps_done` is `number`, `steps.<name>.ended_at` is
    #      `moment()`, `percent` as in f, and the attributes of `more`.
    #   f) `percent` is the step's `percent`, or the job's if that is larger. A job that restarted
    #      can be further already, and its progress never falls.
    #   g) After the last step, complete the job with `move`. Pass the generation of `job`, so that
    #      an older worker cannot complete it. Return what `move` returns.
    #   h) After any other step, end the lease with `hand_over`, which checks the generation itself.
    #      Return what `hand_over` returns.
    raise NotImplementedError("4.6")
