"""Settings of week 5: limits and delays of retries, replays and alerts. Given to students complete.

Every value comes from the environment. The defaults are for production. Tests set fractions of a
second.
"""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings

from pipeline.models.settings import HOUR


class RetrySettings(BaseSettings):
    """Read from environment variables of the same name in upper case. All times are in seconds."""

    max_attempts: int = Field(8, ge=1, le=100)
    """How often one step of a job is attempted, the first attempt included."""
    backoff_base_seconds: float = Field(1.0, gt=0)
    """The longest wait after the first attempt. It doubles with each attempt."""
    backoff_cap_seconds: float = Field(60.0, gt=0)
    """No random wait is longer. What the provider asks for is not limited by it."""
    broker_wait_seconds: float = Field(60.0, ge=0)
    """A longer wait is kept by the job's row, and the outbox ends it. Keep this value far below
    `visibility_timeout_seconds`, or Redis delivers the waiting message twice."""
    max_deliveries: int = Field(3, ge=1)
    """How many workers may start a job. A job that ends all of them is poison."""
    replays_per_second: float = Field(5.0, gt=0)
    """How many jobs start in a second after `POST /dead-letters/replay`."""
    alert_window_seconds: float = Field(HOUR, gt=0)
    """In this time there is one alert for all dead letters of the same kind."""
    alert_webhook_url: str = ""
    """Where alerts are sent: an incoming webhook, as of a chat. Empty: alerts are only logged."""
    alert_timeout_seconds: float = Field(5.0, gt=0)
    """How long that webhook may take to connect, and to answer."""


@cache
def retry_settings() -> RetrySettings:
    """Return the settings of this process, which are read once."""
    return RetrySettings()
