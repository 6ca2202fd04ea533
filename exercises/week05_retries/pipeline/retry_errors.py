"""What can go wrong with retries and dead letters. Given."""

from __future__ import annotations

from pipeline.errors import PermanentError


class PoisonJob(PermanentError):
    """Every worker that began with the job is gone: killed, out of memory, or stuck."""

    default_message = "Processing this document ended a worker again and again. It was given up."


class DeadLetterNotFound(PermanentError):
    http_status = 404
    default_message = "This job has no dead letter: there is no such job, or it has not failed."
