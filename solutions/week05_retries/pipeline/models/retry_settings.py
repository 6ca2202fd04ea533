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
    """No random wait is longer. It does not limit a wait that the provider asks for."""
    broker_wait_seconds: float = Field(60.0, ge=0)
    """The longest time for which a message waits in the broker. For a longer wait, the row stores the
    due time, and the outbox sends the message then. Keep this value far below
    `visibility_timeout_seconds`, because otherwise the waiting message is redelivered."""
    max_deliveries: int = Field(3, ge=1)
    """How many workers may start a job. A job during which all of them died is a poison job."""
    replays_per_second: float = Field(5.0, gt=0)
    """How many jobs start in a second after `POST /dead-letters/replay`."""
    alert_window_seconds: float = Field(HOUR, gt=0)
    """In this time there is one alert for all dead letters of the same kind."""
    alert_webhook_url: str = ""
    """Where alerts are sent, for example the webhook of a chat. Empty: alerts are only logged."""
    alert_timeout_seconds: float = Field(5.0, gt=0)
    """How long that webhook may take to connect, and to answer."""


@cache
def retry_settings() -> RetrySettings:
    """Return the settings of this process, which are read once."""
    return RetrySettings()
