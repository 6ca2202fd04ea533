"""The one Redis subscription of an API process, which feeds every open stream. Given to students complete."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import redis.asyncio
from fastapi import FastAPI
from redis.exceptions import RedisError

from pipeline.api.job_view import JobView
from pipeline.live.feed import Feed
from pipeline.live.messages import CHANNEL, DATABASE, JobChanged, read_message
from pipeline.live.settings import live_settings
from pipeline.live.shutdown import when_stopping
from pipeline.settings import worker_settings

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
IDLE_SECONDS = 5.0
"""After this time without a message Redis is asked whether it is still there."""
SILENT_SECONDS = 15.0
"""A connection that has not even answered that for so long is given up."""
RETRY_SECONDS = 0.5
START_SECONDS = 1.0
"""How long the API waits for the subscription when it starts. Without one it starts all the same."""


@asynccontextmanager
async def feeding(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Listen to changes for as long as the API runs. Requests find the feed as `request.state.feed`."""
    settings = live_settings()
    feed = Feed(
        keep=settings.events_keep,
        queue=settings.events_queue,
        streams=settings.events_streams_per_owner,
    )
    task = asyncio.create_task(listen(feed), name="job-changes")
    with anyio.move_on_after(START_SECONDS):
        await feed.opened.wait()
    try:
        with when_stopping(feed.close):
            yield {"feed": feed}
    finally:
        feed.close()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def listen(feed: Feed) -> None:
    """Subscribe, and subscribe again whenever the connection is lost."""
    trouble: str | None = None
    while True:
        try:
            await _subscribed(feed)
        except (RedisError, OSError) as error:
            if trouble != type(error).__name__:  # one line for an outage, not one for each attempt
                logger.warning("changes do not arrive now: %r", error)
            trouble = type(error).__name__
        finally:
            feed.disconnect()
        await asyncio.sleep(RETRY_SECONDS)


async def _subscribed(feed: Feed) -> None:
    """Deliver what comes, until the connection is lost. Raises what redis-py raises then."""
    client = redis.asyncio.from_url(
        worker_settings().redis_database(DATABASE), socket_connect_timeout=CONNECT_SECONDS
    )
    async with client, client.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        heard = time.monotonic()
        while time.monotonic() < heard + SILENT_SECONDS:
            message = await channel.get_message(timeout=IDLE_SECONDS)
            if message is None:
                await channel.ping()
                continue
            heard = time.monotonic()
            if message["type"] == "subscribe":
                feed.connect()
                logger.info("changes arrive")
            elif message["type"] == "message":
                deliver(feed, message["data"])
                # A burst is read from memory without waiting: let the streams write in between.
                await asyncio.sleep(0)
    raise TimeoutError("Redis is silent")


def deliver(feed: Feed, data: bytes) -> None:
    """Pass a message on to the feed. One that makes no sense is logged and dropped."""
    try:
        message = read_message(data)
        if isinstance(message, JobChanged):
            feed.deliver(message.owner, JobView.of(message.job).model_dump_json())
        else:
            feed.tell(message.owner, message.progress.model_dump_json())
    except Exception:
        logger.warning("a message about a change was dropped", exc_info=True)
