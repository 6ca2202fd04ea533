"""Publishes changes on Redis, after the row is written. Given to students complete.

A failed publish never fails the write, because the row is already written. It delays the write for a moment
at most: after an error of Redis, nothing is published for a short time.
"""

from __future__ import annotations

import logging
import time
from functools import cache

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from pipeline.live.messages import CHANNEL, DATABASE, job_message
from pipeline.live.settings import live_settings
from pipeline.models.job import KIND, Job
from pipeline.models.table import Item
from pipeline.settings import worker_settings

logger = logging.getLogger(__name__)


class Publisher:
    """Sends messages to the channel."""

    def __init__(self, client: Redis, pause_seconds: float) -> None:
        self._client = client
        self._pause_seconds = pause_seconds
        self._quiet_until = 0.0

    def publish(self, message: str) -> bool:
        """Publish a message, and say whether Redis took it. Never raises an error of Redis."""
        if time.monotonic() < self._quiet_until:
            return False
        try:
            self._client.publish(CHANNEL, message)
        except (RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + self._pause_seconds
            logger.warning("changes are not published now: %r", error)
            return False
        return True


@cache
def publisher() -> Publisher:
    """The publisher of this process."""
    settings = live_settings()
    client = Redis.from_url(
        worker_settings().redis_database(DATABASE),
        socket_connect_timeout=settings.live_publish_seconds,
        socket_timeout=settings.live_publish_seconds,
        retry=Retry(NoBackoff(), 1),  # a connection that was closed while it was idle
    )
    return Publisher(client, settings.live_pause_seconds)


def row_written(item: Item) -> None:
    """Publish the change of a job's row. Other items of the table concern nobody.

    Called by the table after every write (`ROW_WRITTEN`), in workers and in the API.
    """
    if item.get("kind") != KIND:
        return
    try:
        publisher().publish(job_message(Job.from_item(item)))
    except Exception:
        logger.warning("a change was not published", exc_info=True)
