"""`POST /jobs/{id}/cancel`: a job that nobody wants any more. Given to students complete.

The row decides, in one conditional write: a job that has ended stays as it is. Webhooks and streams hear
of it like of every other end. What a worker does meanwhile comes to nothing, because its next write is
refused. Week 8 teaches how a running step stops earlier.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from pipeline.api.job_view import JobView
from pipeline.api.responses import ErrorBody, error_responses
from pipeline.api.threads import on_thread
from pipeline.errors import error_body
from pipeline.lifecycle.ending import cancel
from pipeline.models.errors import JobConflict, JobNotFound, JobStoreUnavailable
from pipeline.models.job import FINISHED, Job, Status
from pipeline.models.listing import find
from pipeline.owners import current_owner

router = APIRouter(tags=["jobs"])

ATTEMPTS = 3
"""A failed job may be replayed in the moment in which it is cancelled: look again, and try again."""


class TooLate(ErrorBody):
    """The job has ended already."""

    status: Status
    """How."""


def cancel_or_state(job_id: str, owner: str) -> tuple[bool, Job]:
    """Cancel an owner's job. Blocks.

    Returns:
        Whether it was cancelled now, and the job as it is then.

    Raises:
        JobNotFound: the owner has no such job.
        JobConflict: it changes faster than it can be cancelled.
        JobStoreUnavailable: DynamoDB is away.
    """
    for _ in range(ATTEMPTS):
        try:
            return True, cancel(job_id, owner)
        except JobConflict:
            job = find(job_id, owner)
            if job.status in FINISHED:
                return False, job
    raise JobConflict


TOO_LATE: dict[int | str, dict[str, Any]] = {
    409: {"model": TooLate, "description": "The job has ended: `status` says how."}
}


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Cancel a job",
    response_model=JobView,
    responses={**error_responses(JobNotFound, JobStoreUnavailable), **TOO_LATE},
)
async def cancel_job(job_id: UUID) -> JobView | JSONResponse:
    """Cancel a job that has not ended. It stays in the list, as cancelled."""
    cancelled, job = await on_thread(cancel_or_state, str(job_id), current_owner())
    if cancelled:
        return JobView.of(job)
    error = JobConflict(f"It is too late: the job is {job.status}.")
    return JSONResponse({**error_body(error), "status": job.status}, JobConflict.http_status)
