"""The outbox: finds the jobs that are due, and sends their messages (again). Given.

A row that says "due" and a message that was never sent, or got lost, or whose worker died, look the
same from here, so one loop serves all. It runs as a thread of the API process.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from anyio import to_thread
from boto3.dynamodb.conditions import Attr, Key
from fastapi import FastAPI

from pipeline.models.job import DUE_INDEX, DUE_SHARDS, jobs
from pipeline.models.settings import job_settings
from pipeline.models.table import KEY, ConditionFailed, Item, moment
from pipeline.queueing import document_task

logger = logging.getLogger(__name__)

SHARD_LIMIT = 50
"""How many jobs of a shard one round takes."""
STOP_SECONDS = 10.0
"""How long the API waits for a round to end when it stops. What is not sent then is due later."""


def dispatch_due(stop: threading.Event | None = None) -> int:
    """Look after every item that is due now, and return how many that were. Blocks.

    Raises:
        JobStoreUnavailable: DynamoDB is away.
        Exception: whatever keeps a message from being sent; its job is due again.
    """
    count = 0
    for shard in random.sample(range(DUE_SHARDS), DUE_SHARDS):  # none is always behind another
        where = Key("due_shard").eq(shard) & Key("due_at").lte(moment())
        items, _ = jobs().query(DUE_INDEX, where, limit=SHARD_LIMIT)
        for item in items:
            if stop is not None and stop.is_set():
                return count
            if claimed := claim(item):
                _look_after(claimed)
                count += 1
    return count


def claim(seen: Item) -> Item | None:
    """Put off when an item is due, so that no other dispatcher takes it. None: one has, or a worker.

    The index lags behind. The condition is checked against the row itself.
    """
    return _put_off(seen[KEY], seen["due_at"], job_settings().redrive_seconds)


def _put_off(item_id: str, due_at: Decimal, seconds: float) -> Item | None:
    try:
        return jobs().update(item_id, {"due_at": moment(seconds)}, Attr("due_at").eq(due_at))
    except ConditionFailed:
        return None


def _look_after(item: Item) -> None:
    try:
        document_task().look_after_item(item)
    except Exception:
        _put_off(item[KEY], item["due_at"], 0)  # due again, behind those that wait already
        raise
    logger.info("%s was due: %s", item[KEY], item.get("status"))


def _run(stop: threading.Event) -> None:
    trouble: str | None = None
    while not stop.wait(job_settings().outbox_interval_seconds):
        try:
            dispatch_due(stop)
        except Exception as error:  # whatever it is, the next round tries again
            if trouble != type(error).__name__:  # one line for an outage, not one for each round
                logger.warning("the outbox cannot send now", exc_info=error)
            trouble = type(error).__name__
        else:
            if trouble:
                logger.info("the outbox works again")
            trouble = None


@asynccontextmanager
async def dispatching(_: FastAPI) -> AsyncIterator[None]:
    """Run the outbox for as long as the API runs, off the event loop."""
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=[stop], name="outbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        await to_thread.run_sync(thread.join, STOP_SECONDS)
