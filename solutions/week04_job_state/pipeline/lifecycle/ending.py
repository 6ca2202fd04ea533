"""Ends jobs. All ends of a job go through one function. Given."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from pipeline.lifecycle.decisions import ClosingWrite
from pipeline.lifecycle.hooks import hooks
from pipeline.models.job import Job, Status, move
from pipeline.models.listing import find

logger = logging.getLogger(__name__)


def end_job(job: Job, status: Status, write: ClosingWrite) -> Job:
    """End a job with one write, and notify every hook.

    Success, an error, poison and a cancellation all use this function, in a worker or in the API
    process, so every hook is told about every end. If this process dies after the write, the
    attributes that the hooks added to the write (`closing`) say what is left to do.

    Args:
        job: the job as it was before.
        status: the state in which it ends.
        write: makes the conditional write, with the attributes that the hooks add.

    Returns:
        The job as it is after the write.

    Raises:
        JobConflict: the job has changed in the meantime. Nothing was written, and no hook is
            notified.
        JobStoreUnavailable: DynamoDB cannot be reached. The end may be written or not.
    """
    more: dict[str, Any] = {}
    for hook in hooks():
        more |= hook.closing(job, status)
    ended = write(more)
    for hook in hooks():
        try:
            hook.ended(ended)
        except Exception:
            name = type(hook).__name__
            logger.warning("job %s has ended, but %s failed", job.id, name, exc_info=True)
    return ended


def cancel(job_id: str, owner: str) -> Job:
    """Cancel an owner's job, from any process. Blocks.

    A worker that runs one of its steps can no longer write: its generation is still the newest, but
    the job is no longer in processing.

    Raises:
        JobNotFound: the owner has no such job.
        JobConflict: the job has ended already.
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    job = find(job_id, owner)
    return end_job(job, Status.CANCELLED, partial(move, job.id, Status.CANCELLED))
