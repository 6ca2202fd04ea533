"""What `GET /tasks/{id}` shows from week 4 on: the job's row, in week 2's words. Given."""

from __future__ import annotations

from typing import Any

from celery import states

from pipeline import queueing
from pipeline.api.threads import on_thread
from pipeline.errors import PipelineError
from pipeline.models.errors import JobNotFound
from pipeline.models.job import Job, Status, jobs
from pipeline.models.listing import find
from pipeline.owners import current_owner
from pipeline.states import PROGRESS, QUEUED


class JobEnded(PipelineError):
    """The error of a job that has not completed, as its row has it."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self._kind = kind

    @property
    def kind(self) -> str:
        return self._kind


async def task_state(task_id: str) -> tuple[str, Any]:
    """A job's state and its result, progress or error. Of a task that belongs to no job, what the
    result backend knows.

    Raises:
        JobStoreUnavailable: DynamoDB is away.
        ResultsUnavailable: it is no job, and Redis is away.
    """
    if await on_thread(jobs().get, task_id) is None:
        return await queueing.task_state(task_id)
    try:
        return state_of(await on_thread(find, task_id, current_owner()))
    except JobNotFound:  # another owner's, or expired
        return states.PENDING, None  # Celery's word for an id that nobody knows


def state_of(job: Job) -> tuple[str, Any]:
    """The same of a job that was read."""
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
