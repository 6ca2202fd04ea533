"""The settings of week 1: where Redis is, and every duration and limit of the worker.

Given to students complete. Each value comes from an environment variable, so the same code runs on a
laptop and in production.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings

BROKER_DATABASE = 0
"""The Redis database that holds the queues."""
RESULT_DATABASE = 1
"""The Redis database that holds results. It is separate, so you can flush one and keep the other."""


class WorkerSettings(BaseSettings):
    """Settings of workers and producers. Each is read from the variable of its name in upper case."""

    redis_url: str = "redis://127.0.0.1:6379"
    """The address of the Redis server, without a database number: `redis://` or, for TLS, `rediss://`."""
    result_expires_seconds: int = Field(3600, gt=0)
    """How long Redis keeps a result."""
    visibility_timeout_seconds: int = Field(3600, gt=0)
    """How long Redis waits for an acknowledgement before it redelivers a message to another worker.
    It must be longer than the longest task plus the longest countdown."""
    lost_worker_retries: int = Field(2, ge=0)
    """How many times a task is retried after the process that ran it was killed."""
    lost_worker_retry_seconds: float = Field(1.0, ge=0)
    """The delay before such a retry."""
    worker_concurrency: int = Field(2, gt=0)
    """The worker's slots: how many tasks one worker runs at the same time."""

    def redis_database(self, number: int) -> str:
        """Build the address of one database of the server, such as `redis://127.0.0.1:6379/1`.

        Options of the address (`?ssl_ca_certs=…`) are kept. `rediss://` means TLS. Celery wants to be
        told how to check the server's certificate, so the address says it: strictly.
        """
        server = urlsplit(self.redis_url)
        options = dict(parse_qsl(server.query))
        if server.scheme == "rediss":
            options.setdefault("ssl_cert_reqs", "required")
        return server._replace(path=f"/{number}", query=urlencode(options)).geturl()


@cache
def worker_settings() -> WorkerSettings:
    """Return the settings of this process. The environment is read once, at the first call."""
    return WorkerSettings()
