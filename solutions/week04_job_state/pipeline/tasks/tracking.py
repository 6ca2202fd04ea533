"""The writes by which a worker takes a job, begins a step and ends it."""

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
    """Take a whole job, to run its steps from the first. None: it is not to be run (now).

    Of any number of workers that try at the same time, one gets it.
    """
    changes = {"status": Status.PROCESSING.value, "steps_done": 0, **lease(job_id, worker)}
    # BEGIN SOLUTION 4.3
    # ? One conditional write decides. Who may take the job? Whoever finds it pending; and whoever
    # ? finds it in processing with a lease that has run out. Both in one condition.
    # ? The same write counts the delivery and raises the generation: `add`.
    # ? `moment()` is now, as the table keeps it.
    free = Attr("status").eq(Status.PENDING.value)
    abandoned = Attr("status").eq(Status.PROCESSING.value) & Attr("lease_until").lte(moment())
    count = {"deliveries": 1, "generation": 1}
    try:
        return Job.from_item(jobs().update(job_id, changes, free | abandoned, add=count))
    except ConditionFailed:
        return None
    # END SOLUTION


def begin_step(job_id: str, number: int, worker: str) -> Job | None:
    """Take a job for its step `number` (from 1). None: this step is not what comes next.

    The steps before must be done, this one not, and nobody may have the job. An abandoned lease is
    not for a step to take: the job is begun anew, so that `deliveries` counts it.
    """
    name = STEPS[number - 1].name
    # BEGIN SOLUTION 4.6
    # ? Take the `lease`, and write which step it is and when it started (`steps.parse` reaches
    # ? into the map, and takes `{"started_at": …}`). Raise the generation: whoever had the job
    # ? before can write no more.
    # ? The condition says: the job is in processing, exactly the steps before are done, and there is
    # ? no `lease_owner`. So a finished or cancelled job, and a second copy of a message, do nothing.
    started = {"step": name, f"steps.{name}": {"started_at": moment()}}
    ready = (
        Attr("status").eq(Status.PROCESSING.value)
        & Attr("steps_done").eq(number - 1)
        & Attr("lease_owner").not_exists()
    )
    changes = {**started, **lease(job_id, worker)}
    try:
        return Job.from_item(jobs().update(job_id, changes, ready, add={"generation": 1}))
    except ConditionFailed:
        return None
    # END SOLUTION


def end_step(job: Job, number: int, more: Mapping[str, Any]) -> Job:
    """Write that step `number` is done. After the last one the job is completed, before it is handed
    over to the next step's worker. `more` is written along.

    Raises:
        JobConflict: the job was cancelled, or taken by another worker. Nothing was written.
    """
    # BEGIN SOLUTION 4.6
    # ? Write how many steps are done, when this one ended (`steps.parse.ended_at`) and how far
    # ? the job is: `Step.percent`. A job that was begun anew may be further already; progress
    # ? never goes back.
    # ? `move` completes a job, `hand_over` passes it on. Which of them, and in whose generation?
    step = STEPS[number - 1]
    percent = max(job.percent, step.percent)
    ended = {"steps_done": number, "percent": percent, f"steps.{step.name}.ended_at": moment()}
    if number == len(STEPS):
        return move(job.id, Status.COMPLETED, {**ended, **more}, generation=job.generation)
    return hand_over(job, {**ended, **more})
    # END SOLUTION
