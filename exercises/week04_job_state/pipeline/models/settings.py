"""Settings of week 4: the table's name, and how long each delay lasts. Given.

Every value comes from the environment. The defaults are for production. Tests set fractions of a
second.
"""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings

HOUR = 3600
DAY = 24 * HOUR


class JobSettings(BaseSettings):
    """Read from environment variables of the same name in upper case. All times are in seconds."""

    jobs_table: str = "jobs"
    store_wait_seconds: float = Field(30.0, gt=0)
    """How long a migration waits for a new table, and for a new index."""
    lease_seconds: float = Field(30.0, gt=0)
    """How long a lease lasts. A worker renews it three times in this time, so a step may take much
    longer. Keep it well above the difference between the clocks of your machines."""
    step_limit_seconds: float = Field(HOUR, gt=0)
    """After this time a step no longer renews its lease, so a worker that hangs loses the job."""
    publish_seconds: float = Field(10.0, gt=0)
    """After this time the outbox publishes a new job again, if no worker has taken it."""
    redrive_seconds: float = Field(300.0, gt=0)
    """After this time a published message that no worker has taken counts as lost. If the time is
    too short, a long queue grows, because the outbox adds copies of messages that only wait."""
    outbox_interval_seconds: float = Field(1.0, gt=0)
    """The pause between two rounds in which the outbox reads the due jobs."""
    job_keep_seconds: float = Field(30 * DAY, gt=0)
    """How long a finished job is shown."""
    idempotency_seconds: float = Field(DAY, gt=0)
    """How long an `Idempotency-Key` is valid."""


@cache
def job_settings() -> JobSettings:
    """Return the settings of this process, which are read once."""
    return JobSettings()
