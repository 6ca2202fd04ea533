"""The outbox: finds the items that are due, and lets the handler of their kind send messages. Given.

A message that was never sent, a message that was lost and a worker that died look the same from
here: the row is due. So one loop serves all. It runs as a thread of the API process or, where
`pipeline.wiring` says so, as a process of its own: `python -m pipeline.outbox`.
"""

from __future__ import annotations

import logging
import random
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from anyio import to_thread
from boto3.dynamodb.conditions import Attr, Key
from fastapi import FastAPI

from pipeline.models.job import DUE_INDEX, DUE_SHARDS, KIND, jobs
from pipeline.models.settings import job_settings
from pipeline.models.table import KEY, ConditionFailed, Item, moment
from pipeline.wiring import DUE_HANDLERS, OUTBOX_IN_API

logger = logging.getLogger(__name__)

SHARD_LIMIT = 50
"""How many items of a shard one round takes."""
STOP_SECONDS = 10.0
"""How long the API waits for a round to end when it stops. What is not sent then is due later."""


def dispatch_due(stop: threading.Event | None = None) -> int:
    """Handle every item that is due now, and return how many that were. Blocks.

    Raises:
        JobStoreUnavailable: DynamoDB is away.
        Exception: whatever keeps a message from being sent; its item is due again.
    """
    count = 0
    for shard in random.sample(range(DUE_SHARDS), DUE_SHARDS):  # none is always behind another
        where = Key("due_shard").eq(shard) & Key("due_at").lte(moment())
        items, _ = jobs().query(DUE_INDEX, where, limit=SHARD_LIMIT)
        for item in items:
            if stop is not None and stop.is_set():
                return count
            if claimed := claim(item):
                _handle(claimed)
                count += 1
    return count


def claim(seen: Item) -> Item | None:
    """Postpone when an item is due, so that no other dispatcher takes it. None: another dispatcher or
    a worker was faster.

    The index lags behind. The condition is checked against the row itself.
    """
    return _postpone(seen[KEY], seen["due_at"], job_settings().redrive_seconds)


def kind_of(item: Item) -> str:
    """The kind of an item. Items from before there were kinds: `delivery#…` tells it, a job's id not."""
    before, separator, _ = str(item[KEY]).partition("#")
    return str(item.get("kind") or (before if separator else KIND))


def _postpone(item_id: str, due_at: Decimal, seconds: float) -> Item | None:
    try:
        return jobs().update(item_id, {"due_at": moment(seconds)}, Attr("due_at").eq(due_at))
    except ConditionFailed:
        return None


def _handle(item: Item) -> None:
    try:
        DUE_HANDLERS[kind_of(item)](item)
    except Exception:
        _postpone(item[KEY], item["due_at"], 0)  # due again, behind those that wait already
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
    if not OUTBOX_IN_API:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=[stop], name="outbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        await to_thread.run_sync(thread.join, STOP_SECONDS)


def main() -> None:
    """Run the outbox until SIGTERM or SIGINT, which end the round that runs."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _run(stop)


if __name__ == "__main__":
    main()
