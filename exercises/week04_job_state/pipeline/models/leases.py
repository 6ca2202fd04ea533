"""Leases: take a job for a limited time, renew the lease, and hand the job over. Given.

A worker that dies stops renewing, so its lease expires. A worker that was only slow still believes
that it has the job. By then the row has a newer generation, and the slow worker's writes are
rejected, because each write names the generation of its writer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from pipeline.models.errors import JobConflict, JobStoreUnavailable
from pipeline.models.job import Job, Status, jobs, timing
from pipeline.models.settings import job_settings
from pipeline.models.table import ConditionFailed, moment

logger = logging.getLogger(__name__)

RENEWALS = 3
"""How often a lease is renewed while it lasts. So two renewals may fail."""


def lease(job_id: str, worker: str) -> dict[str, Any]:
    """Return the attributes that give the job to `worker` for `lease_seconds`.

    They are `lease_owner`, `lease_until`, and `due_shard`, `due_at` and `expires_at`. The job is
    due when the lease expires.
    """
    seconds = job_settings().lease_seconds
    return {"lease_owner": worker, **_until(job_id, seconds)}


def _until(job_id: str, seconds: float) -> dict[str, Any]:
    return {"lease_until": moment(seconds), **timing(job_id, Status.PROCESSING, seconds)}


def _held(job: Job) -> ConditionBase:
    return (
        Attr("status").eq(Status.PROCESSING.value)
        & Attr("generation").eq(job.generation)
        & Attr("lease_owner").exists()
    )


def _write(job: Job, changes: Mapping[str, Any]) -> Job:
    try:
        return Job.from_item(jobs().update(job.id, changes, _held(job)))
    except ConditionFailed:
        raise JobConflict from None


def hand_over(job: Job, changes: Mapping[str, Any], seconds: float | None = None) -> Job:
    """End the lease, so that the worker of the next step can take the job.

    The write succeeds only if the job is in processing, has a `lease_owner`, and has the generation
    of `job`. If no worker begins the next step within `seconds`, the job is due and restarts from
    its first step.

    Args:
        job: the job as this worker took it.
        changes: further attributes for the same write.
        seconds: how long the next message may take; by default `redrive_seconds`.

    Returns:
        The job as it is after the write.

    Raises:
        JobConflict: this worker no longer has the job. Nothing was written.
    """
    wait = job_settings().redrive_seconds if seconds is None else seconds
    return _write(job, {"lease_owner": None, **_until(job.id, wait), **changes})


def renew(job: Job) -> None:
    """Extend the lease to `lease_seconds` from now. Raises JobConflict if the lease was lost."""
    _write(job, _until(job.id, job_settings().lease_seconds))


@contextmanager
def keep_alive(job: Job) -> Iterator[None]:
    """Renew the lease in a thread while the block runs."""
    stop = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(job, stop), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _renew_until(job: Job, stop: threading.Event) -> None:
    settings = job_settings()
    end = time.monotonic() + settings.step_limit_seconds
    while not stop.wait(settings.lease_seconds / RENEWALS):
        if time.monotonic() > end:
            logger.error("job %s: the step takes too long and may lose its lease", job.id)
            return
        try:
            renew(job)
        except JobStoreUnavailable as error:
            logger.warning("job %s: the lease was not renewed: %s", job.id, error)
        except JobConflict:
            return  # the job was handed over, cancelled, or taken by another worker
