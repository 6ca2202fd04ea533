"""What a webhook says: `{"type": "job.completed", "timestamp": …, "data": {…}}`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pipeline.models.job import Job, Status
from pipeline.webhooks.endpoints import Event

EVENTS = {
    Status.COMPLETED: Event.COMPLETED,
    Status.FAILED: Event.FAILED,
    Status.CANCELLED: Event.CANCELLED,
}
"""The event of each status that a job can end in."""


def event_body(job: Job) -> str:
    """The body of the webhook that tells of a job's end, as JSON.

    It is made once, when the job has ended, and sent as it is at every attempt.

    Args:
        job: one whose status is in `EVENTS`.
    """
    # BEGIN SOLUTION 6.1
    # ? Three members: `type` says which event it is; `timestamp` when it happened, in ISO 8601 and
    # ? UTC (`iso`), which is not when it is sent; `data` is the job as a client may see it (`data_of`).
    message = {
        "type": EVENTS[job.status].value,
        "timestamp": iso(job.finished_at or job.updated_at),
        "data": data_of(job),
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    # END SOLUTION


def data_of(job: Job) -> dict[str, Any]:
    """The part of a job that its owner is told. Nothing of how we work is in it. Given."""
    return {
        "job_id": job.id,
        "status": job.status.value,
        "document": {
            "filename": job.document.filename,
            "content_type": job.document.content_type,
        },
        "created_at": iso(job.created_at),
        "finished_at": iso(job.finished_at) if job.finished_at else None,
        "result": job.result,
        "error": job.error,
    }


def iso(seconds: float) -> str:
    """A time in ISO 8601, such as `2026-01-31T09:15:00.250000Z`. Given."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
