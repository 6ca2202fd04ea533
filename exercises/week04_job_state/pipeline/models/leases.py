"""Leases: who has a job, until when, and how it is kept and handed over. Given.

A lease ends by itself when its worker dies. A worker that was only slow still believes that it has
the job: its generation is an older one by then, and every write names the writer's generation.
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
"""How often a lease is renewed in the time that it lasts: two may get lost."""


def lease(job_id: str, worker: str) -> dict[str, Any]:
    """The attributes of a job that `worker` has from now on. It is due when the lease runs out."""
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
    """End the lease: the job waits for its next message. If none is taken within `seconds`
    (`redrive_seconds`), the job may be begun anew.

    Raises:
        JobConflict: the lease was lost before. Nothing was written.
    """
    wait = job_settings().redrive_seconds if seconds is None else seconds
    return _write(job, {"lease_owner": None, **_until(job.id, wait), **changes})


def renew(job: Job) -> None:
    """Let the lease last for another `lease_seconds`. Raises JobConflict where it is lost."""
    _write(job, _until(job.id, job_settings().lease_seconds))


@contextmanager
def keep_alive(job: Job) -> Iterator[None]:
    """Renew the lease in the background for as long as the block runs."""
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
            return  # handed over, cancelled or taken: the end of the step will learn which
