"""Recovery: the scheduled task that finds overdue items and lets their handlers publish messages.

An item is overdue if its message was lost, its worker died, or a wait has ended: a retry, a replay or a
webhook's next attempt. Until week 7 a thread of the API looked for such items.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from boto3.dynamodb.conditions import Key
from celery.utils.log import get_task_logger

from pipeline.models.errors import JobStoreUnavailable
from pipeline.models.job import DUE_INDEX, DUE_SHARDS, jobs
from pipeline.models.table import KEY, Item, moment
from pipeline.outbox import claim, kind_of, postpone
from pipeline.tasks.celery_config import app
from pipeline.tasks.schedule import SWEEP
from pipeline.wiring import DUE_HANDLERS

logger = get_task_logger(__name__)

SWEEP_ITEMS = 200
"""How many items one sweep handles at most."""
SWEEP_SECONDS = 5.0
"""After this time a sweep begins no further item."""
SHARD_LIMIT = 50
"""How many keys one query of the index reads."""


def due_items() -> Iterator[Item]:
    """Yield the keys of items that are due now, from all shards. Given to students complete.

    The index lags behind the rows, so an item may no longer be due. Raises JobStoreUnavailable.
    """
    for shard in random.sample(range(DUE_SHARDS), DUE_SHARDS):  # no shard is always the last
        where = Key("due_shard").eq(shard) & Key("due_at").lte(moment())
        items, _ = jobs().query(DUE_INDEX, where, limit=SHARD_LIMIT)
        yield from items


def handle(item: Item) -> None:
    """Call the handler of an item's kind, which publishes messages. Given to students complete.

    Raises:
        Exception: whatever the handler raises, for example because the broker cannot be reached.
    """
    DUE_HANDLERS[kind_of(item)](item)


def due_again(item: Item) -> None:
    """Make a claimed item due again, after those that wait already. Given to students complete."""
    postpone(item[KEY], item["due_at"], 0)


def recover(limit: int = SWEEP_ITEMS, seconds: float = SWEEP_SECONDS) -> int:
    """Handle items that are due now. Several processes may do this at the same time.

    Args:
        limit: how many items are claimed at most. The next sweep handles the others.
        seconds: the time after which no further item is claimed.

    Returns:
        How many items were handled without an error.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    end = time.monotonic() + seconds
    claimed = handled = 0
    # BEGIN SOLUTION 8.2
    # ? g) Go through `due_items()`. `claim` each item (`pipeline.outbox`) before you handle it, and
    # ? `handle` what `claim` returns: the item as it is now. If `claim` returns None, another sweep or a
    # ? worker was faster, so skip the item. A skipped item does not count.
    # ? h) Claim at most `limit` items, those that fail included. Claim none once `time.monotonic()` is
    # ? past `end`. A sweep without an end would hold a worker's slot while the next ticks arrive.
    # ? i) If `handle` raises, whatever the error is, log a warning with the id of the item, call
    # ? `due_again` for it, and go on with the next item. One broken item must not stop all others.
    # ? j) Let a `JobStoreUnavailable` of `due_items`, `claim` or `due_again` out: without the table
    # ? nothing can be recovered.
    # ? k) Return how many items were handled without an error.
    for seen in due_items():
        if claimed == limit or time.monotonic() > end:
            break
        item = claim(seen)
        if item is None:
            continue
        claimed += 1
        try:
            handle(item)
        except Exception:
            logger.warning("%s was due, and its handler failed", item[KEY], exc_info=True)
            due_again(item)
            continue
        handled += 1
    # END SOLUTION
    return handled


@app.task(name=SWEEP, ignore_result=True, acks_late=False)
def sweep() -> None:
    """Recover what is overdue. Given to students complete.

    The message is acknowledged at once: if this worker dies, the next tick comes in a second.
    """
    try:
        count = recover()
    except JobStoreUnavailable as error:  # the next sweep tries again
        logger.warning("nothing is recovered now: %s", error)
        return
    if count:
        logger.info("%d items were due", count)
