"""The form in which clients see a job. Given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from pipeline.api.tasks import TaskError
from pipeline.documents import DocumentRef
from pipeline.models.job import Job, Status
from pipeline.models.steps import STEPS


class StepView(BaseModel):
    """One step of a job. Both times are null until the step begins."""

    name: str
    started_at: datetime | None = None
    ended_at: datetime | None = None


class JobProgress(BaseModel):
    """The progress of a job."""

    step: str | None
    """The name of the step that was begun last."""
    percent: int = Field(ge=0, le=100)


class JobView(BaseModel):
    """One job."""

    job_id: str
    status: Status
    document: DocumentRef
    progress: JobProgress
    steps: list[StepView]
    """All of them, in order."""
    deliveries: int
    """How often a worker has taken the job. More than 1: a worker or a message was lost."""
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    revision: int
    """Counts the writes to the job: of two answers the one with the higher number is newer."""
    result: Any = None
    error: TaskError | None = None

    @classmethod
    def of(cls, job: Job) -> JobView:
        """Make the view of a job, with only those attributes that are for clients."""
        return cls(
            job_id=job.id,
            status=job.status,
            document=job.document,
            progress=JobProgress(step=job.step, percent=job.percent),
            steps=[StepView(name=step.name, **_times(job, step.name)) for step in STEPS],
            deliveries=job.deliveries,
            created_at=_date(job.created_at),
            updated_at=_date(job.updated_at),
            finished_at=_date_or_none(job.finished_at),
            expires_at=_date_or_none(job.expires_at),
            revision=job.revision,
            result=job.result,
            error=TaskError(**job.error) if job.error else None,
        )


class JobPage(BaseModel):
    """One page of jobs, newest first."""

    jobs: list[JobView]
    next_cursor: str | None
    """Send it as `cursor` to read the next page. null: no jobs follow."""


class JobAccepted(BaseModel):
    """The response of `POST /documents`: the job is accepted, and the work is not done yet."""

    job_id: str
    status_url: str
    """The path that shows the job's progress. The header `Location` contains the same path."""
    document: DocumentRef


def _times(job: Job, step: str) -> dict[str, datetime]:
    return {name: _date(seconds) for name, seconds in job.steps.get(step, {}).items()}


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _date_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else _date(seconds)
