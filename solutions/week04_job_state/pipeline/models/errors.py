"""What can go wrong with jobs. Given."""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError


class JobNotFound(PermanentError):
    http_status = 404
    default_message = "There is no job with this id, or it has expired."


class JobConflict(PermanentError):
    """A write came too late: the job is elsewhere by now. Nothing was changed."""

    http_status = 409
    default_message = "The job has moved on. Ask for its status."


class IdempotencyKeyReused(PermanentError):
    default_message = "This Idempotency-Key was sent before, with another document."


class InvalidCursor(PermanentError):
    default_message = "This cursor is not one of ours. Start again without one."


class JobStoreUnavailable(TransientError):
    default_message = "The job store is not available. Try again in a few seconds."
