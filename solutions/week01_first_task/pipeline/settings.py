"""Where Redis is and how long things live: week 1's part of the configuration.

Every value comes from the environment, so the same code runs on a laptop and in production.
Given to students complete.
"""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings

BROKER_DATABASE = 0
"""Redis database that holds the queues."""
RESULT_DATABASE = 1
"""Redis database that holds results. Apart from the queues, so one can be flushed without the other."""


class WorkerSettings(BaseSettings):
    """What a worker and a producer need to know. Read from variables of the same name, upper case."""

    redis_url: str = "redis://127.0.0.1:6379"
    """The server, without a database number."""
    result_expires_seconds: int = Field(3600, gt=0)
    """How long a result stays in Redis."""
    visibility_timeout_seconds: int = Field(3600, gt=0)
    """How long Redis waits for a worker's acknowledgement before it hands the message to another.
    Keep it above the longest task plus the longest countdown."""
    lost_worker_retries: int = Field(2, ge=0)
    """How often a task runs again after the process that ran it was killed."""
    lost_worker_retry_seconds: float = Field(1.0, ge=0)
    """How long it waits before it does."""
    worker_concurrency: int = Field(2, gt=0)
    """Worker slots: how many tasks one worker runs at the same time."""

    def redis_database(self, number: int) -> str:
        """The address of one of the server's databases: `redis://127.0.0.1:6379/1`."""
        return f"{self.redis_url.rstrip('/')}/{number}"


@cache
def worker_settings() -> WorkerSettings:
    """The settings of this process, read once."""
    return WorkerSettings()
