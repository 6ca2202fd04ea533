"""How long things take and last in week 4. Given.

Every value comes from the environment. The defaults are for production; tests set fractions of a
second.
"""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings

HOUR = 3600
DAY = 24 * HOUR


class JobSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    jobs_table: str = "jobs"
    store_wait_seconds: float = Field(30.0, gt=0)
    """How long a migration waits for a new table, and for a new index."""
    lease_seconds: float = Field(30.0, gt=0)
    """How long a worker may be silent before its job counts as abandoned. It renews the lease three
    times in this time, so a step may take much longer. Keep it well above the difference between
    the clocks of your machines."""
    step_limit_seconds: float = Field(HOUR, gt=0)
    """A step that takes longer no longer renews its lease: a worker that hangs loses the job."""
    publish_seconds: float = Field(10.0, gt=0)
    """A new job that no worker has taken after this time is published (again) by the outbox."""
    redrive_seconds: float = Field(300.0, gt=0)
    """A published message that no worker has taken after this time counts as lost. Too short, and a
    long queue gets longer: each copy of a message waits its turn to find that it is one."""
    outbox_interval_seconds: float = Field(1.0, gt=0)
    """How often the outbox looks for jobs that are due."""
    job_keep_seconds: float = Field(30 * DAY, gt=0)
    """How long a finished job can be seen."""
    idempotency_seconds: float = Field(DAY, gt=0)
    """How long an `Idempotency-Key` is remembered."""


@cache
def job_settings() -> JobSettings:
    """The settings of this process, read once."""
    return JobSettings()
