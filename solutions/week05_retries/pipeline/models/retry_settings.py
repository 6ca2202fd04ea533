"""How often, how soon and how loud in week 5. Given.

Every value comes from the environment. The defaults are for production; tests set fractions of a
second.
"""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings

from pipeline.models.settings import HOUR


class RetrySettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    max_attempts: int = Field(8, ge=1, le=100)
    """How often one step of a job is tried, the first time included."""
    backoff_base_seconds: float = Field(1.0, gt=0)
    """The longest wait after the first attempt. It doubles with each."""
    backoff_cap_seconds: float = Field(60.0, gt=0)
    """No wait is longer, unless the provider asks for it."""
    broker_wait_seconds: float = Field(60.0, ge=0)
    """A longer wait is not left to the broker: the job's row keeps it, and the outbox ends it. Keep
    it far below `visibility_timeout_seconds`, or Redis delivers the waiting message twice."""
    max_deliveries: int = Field(3, ge=1)
    """How many workers may begin with a job. One that ends them all is poison."""
    replays_per_second: float = Field(5.0, gt=0)
    """How fast the jobs of `POST /dead-letters/replay` start again."""
    alert_window_seconds: float = Field(HOUR, gt=0)
    """For how long one alert stands for all dead letters of the same kind."""
    alert_webhook_url: str = ""
    """Where alerts are sent: a Slack-like incoming webhook. Empty: they are only logged."""
    alert_timeout_seconds: float = Field(5.0, gt=0)
    """How long that may take to connect, and to answer."""


@cache
def retry_settings() -> RetrySettings:
    """The settings of this process, read once."""
    return RetrySettings()
