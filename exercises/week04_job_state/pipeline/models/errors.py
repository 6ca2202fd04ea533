"""The errors of jobs. Given."""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError


class JobNotFound(PermanentError):
    """No job has this id, it belongs to another owner, or it has expired."""

    http_status = 404
    default_message = "There is no job with this id, or it has expired."


class JobConflict(PermanentError):
    """A write was rejected, because the job has another status or another generation by now.

    Nothing was written.
    """

    http_status = 409
    default_message = "The job has changed in the meantime. Ask for its status."


class IdempotencyKeyReused(PermanentError):
    """The same owner has used this key for another document."""

    default_message = "This Idempotency-Key was sent before with another document."


class InvalidCursor(PermanentError):
    """The cursor was not made by this API."""

    default_message = "This cursor was not made by this API. Start again without a cursor."


class JobStoreUnavailable(TransientError):
    """DynamoDB cannot be reached, or it rejects requests at the moment."""

    default_message = "The job store is not available. Try again in a few seconds."
