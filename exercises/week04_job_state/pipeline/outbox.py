"""The outbox: finds due items and calls their handlers, which publish messages. Given.

If a message was never sent, a message was lost, or a worker died, the row is due. So one loop
handles all three cases. It runs as a thread of the API process. If `OUTBOX_IN_API` of
`pipeline.wiring` is False, it runs as a process of its own: `python -m pipeline.outbox`.
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

from pipeline.models.job import DUE_INDEX, DUE_SHARDS, KIND, jobs
from pipeline.models.settings import job_settings
from pipeline.models.table import KEY, ConditionFailed, Item, moment
from pipeline.wiring import DUE_HANDLERS, OUTBOX_IN_API

logger = logging.getLogger(__name__)

SHARD_LIMIT = 50
"""How many items of a shard one round handles."""
STOP_SECONDS = 10.0
"""How long the API waits at its end for a round to end. What is not sent then is sent later."""


def dispatch_due(stop: threading.Event | None = None) -> int:
    """Handle every item that is due now, and return their number. Blocks.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached.
        Exception: a message could not be sent. Its item stays due.
    """
    count = 0
    for shard in random.sample(range(DUE_SHARDS), DUE_SHARDS):  # no shard is always the last
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
    """Postpone the due time of an item, so that no other outbox handles it.

    The index is updated later than the row. So the condition is checked on the row itself.

    Returns:
        The item as it is now, or None if another outbox or a worker was faster.
    """
    return postpone(seen[KEY], seen["due_at"], job_settings().redrive_seconds)


def kind_of(item: Item) -> str:
    """Return the kind of an item.

    Items from before there were kinds are recognised by the form of their id: `delivery#…`, or a job.
    """
    before, separator, _ = str(item[KEY]).partition("#")
    return str(item.get("kind") or (before if separator else KIND))


def postpone(item_id: str, due_at: Decimal, seconds: float) -> Item | None:
    """Make an item due `seconds` from now, if it is still due at `due_at`. None: it is not."""
    try:
        return jobs().update(item_id, {"due_at": moment(seconds)}, Attr("due_at").eq(due_at))
    except ConditionFailed:
        return None


def _handle(item: Item) -> None:
    try:
        DUE_HANDLERS[kind_of(item)](item)
    except Exception:
        postpone(item[KEY], item["due_at"], 0)  # due again, after those that wait already
        raise
    logger.info("%s was due: %s", item[KEY], item.get("status"))


def _run(stop: threading.Event) -> None:
    trouble: str | None = None
    while not stop.wait(job_settings().outbox_interval_seconds):
        try:
            dispatch_due(stop)
        except Exception as error:  # the next round tries again
            if trouble != type(error).__name__:  # one line for an outage, not one for each round
                logger.warning("the outbox cannot send now", exc_info=error)
            trouble = type(error).__name__
        else:
            if trouble:
                logger.info("the outbox works again")
            trouble = None


@asynccontextmanager
async def dispatching(_: object) -> AsyncIterator[None]:
    """Run the outbox in a thread, from the start of the API to its end."""
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
    """Run the outbox until SIGTERM or SIGINT. A round that runs ends after its item."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _run(stop)


if __name__ == "__main__":
    main()
