"""The errors of retries and dead letters. Given to students complete."""

from __future__ import annotations

from pipeline.errors import PermanentError


class PoisonJob(PermanentError):
    """Every worker that started this job died or lost its lease: killed, out of memory, or stuck."""

    default_message = "Processing this document ended a worker again and again. It was given up."


class DeadLetterNotFound(PermanentError):
    """The owner has no job with this id, or the job has no dead letter."""

    http_status = 404
    default_message = "This job has no dead letter: there is no such job, or it has not failed."
