"""Why a job is given up, where no exception says it. Given."""

from __future__ import annotations

from pipeline.errors import PermanentError


class PoisonJob(PermanentError):
    """Every worker that began with the job is gone: killed, out of memory, or stuck."""

    default_message = "Processing this document ended a worker again and again. It was given up."
