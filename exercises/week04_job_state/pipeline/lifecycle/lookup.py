"""Reads what `GET /tasks/{id}` shows from week 4 on, from the job's row. Given."""

from __future__ import annotations

from typing import Any

from celery import states

from pipeline import queueing
from pipeline.api.threads import on_thread
from pipeline.errors import PipelineError
from pipeline.models.errors import JobNotFound
from pipeline.models.job import Job, Status
from pipeline.models.listing import find, read_row
from pipeline.owners import current_owner
from pipeline.states import PROGRESS, QUEUED


class JobEnded(PipelineError):
    """The error of a job that failed or was cancelled, as its row stores it."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self._kind = kind

    @property
    def kind(self) -> str:
        return self._kind


async def task_state(task_id: str) -> tuple[str, Any]:
    """Return the state of a job, and its result, progress or error.

    For a task that belongs to no job, return what the result backend stores.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached.
        ResultsUnavailable: no job has this id, and Redis cannot be reached.
    """
    if await on_thread(read_row, task_id) is None:
        return await queueing.task_state(task_id)
    try:
        return state_of(await on_thread(find, task_id, current_owner()))
    except JobNotFound:  # it belongs to another owner, or has expired
        return states.PENDING, None  # Celery's state of an unknown id


def state_of(job: Job) -> tuple[str, Any]:
    """Return the state and the result, progress or error of a job that was read."""
    if job.status == Status.PENDING:
        return QUEUED, {"step": "queued", "percent": job.percent}
    if job.status == Status.PROCESSING:
        return PROGRESS, {"step": job.step or "queued", "percent": job.percent}
    if job.status == Status.COMPLETED:
        return states.SUCCESS, job.result
    if job.status == Status.CANCELLED:
        return states.REVOKED, JobEnded("The job was cancelled.", "job_cancelled")
    error = job.error or {}
    return states.FAILURE, JobEnded(error.get("message", ""), error.get("type", "internal_error"))
