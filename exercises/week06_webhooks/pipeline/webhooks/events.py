"""The body of a webhook: `{"type": "job.completed", "timestamp": …, "data": {…}}`."""

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
"""The event for each final status of a job."""


def event_body(job: Job) -> str:
    """Return the body of the webhook that reports the end of a job, as JSON text.

    It is created once, when the job has ended. Every attempt sends the same text.

    Args:
        job: a finished job, so its status is one of `EVENTS`.
    """
    # TODO 6.1:
    #   e) Return a JSON object, as text, with exactly three members: `type`, `timestamp` and
    #      `data`.
    #   f) `type`: the value of the event that `EVENTS` has for the job's status, such as
    #      `job.completed`.
    #   g) `timestamp`: when the job ended, in ISO 8601 and UTC (`iso` formats it). That is
    #      `finished_at`, or `updated_at` if the job has no `finished_at`. It is not the time of
    #      sending.
    #   h) `data`: the part of the job that its owner may see, which is what `data_of(job)` returns.
    raise NotImplementedError("6.1")


def data_of(job: Job) -> dict[str, Any]:
    """Return the part of a job that its owner may see, without internal fields such as the lease.

    Given to students complete.
    """
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
    """Format a time in ISO 8601 and UTC, such as `2026-01-31T09:15:00.250000Z`.

    Given to students complete.
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
