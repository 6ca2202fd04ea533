"""Which jobs use an uploaded file, and the removal of a file that none uses. Given to students complete.

Equal contents share one blob, so documents of several owners can refer to it. Every job's row has its
`blob_key`, and a sparse index finds the rows of a blob. The index lags, and an upload stores the blob before
its row exists. So a blob is only removed when its last upload is `blob_grace_seconds` ago: a row of that
upload is in the index by then. One case is left: an upload of the same content in the few milliseconds
between the last look and the removal. Its job then fails with `blob_not_found`, so the client can repeat it.
"""

from __future__ import annotations

import logging
import time

from boto3.dynamodb.conditions import Attr, Key

from pipeline.errors import BlobNotFound
from pipeline.models.job import Job, due_shard, jobs
from pipeline.models.listing import read_row
from pipeline.models.operation_settings import operation_settings
from pipeline.models.table import ALWAYS, EXPIRY, KEY, ConditionFailed, Item, moment
from pipeline.storage import blob_store

logger = logging.getLogger(__name__)

BLOB_INDEX = "by_blob"
"""The index of jobs by `blob_key`. The migration `m0803_blob_uses` adds it."""
KIND = "blob"
"""The kind of an item that says: look at this blob later."""
READ_USES = 20
"""How many rows of a blob one look reads."""


def is_used(blob_key: str) -> bool:
    """Whether a job that has not expired refers to the blob. Removes rows of expired jobs on the way.

    If many expired rows refer to the blob, the answer is True, and the next look goes further.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached, or the index is still being built.
    """
    where = Key("blob_key").eq(blob_key)
    keys, more = jobs().query(BLOB_INDEX, where, limit=READ_USES)
    rows = (read_row(key[KEY]) for key in keys)
    return any(row is not None and not remove_expired(row) for row in rows) or more is not None


def remove_expired(row: Item) -> bool:
    """Remove the row of a job that has expired, before DynamoDB does. Returns whether it had expired."""
    if not Job.from_item(row).expired:
        return False
    try:
        jobs().delete(row[KEY], Attr(EXPIRY).lte(moment()) | Attr(KEY).not_exists())
    except ConditionFailed:
        return False
    return True


def release(blob_key: str) -> bool:
    """Remove a blob that no job uses.

    Returns:
        False if it must be looked at again, because it was uploaded a short time ago. True otherwise: it
        is removed, or a job uses it, whose end will look at it.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached.
        BlobStoreUnavailable: the blob store cannot be reached.
    """
    try:
        age = time.time() - blob_store().modified(blob_key)
    except BlobNotFound:
        return True
    if is_used(blob_key):
        return True
    if age < operation_settings().blob_grace_seconds:
        return False
    blob_store().delete(blob_key)
    logger.info("removed a file that no document uses: %s", blob_key)
    return True


def release_later(blob_key: str) -> None:
    """Let the sweep look at a blob when its time of grace is over."""
    item = f"{KIND}#{blob_key}"
    wait = operation_settings().blob_grace_seconds
    due = {"due_shard": due_shard(item), "due_at": moment(wait)}
    jobs().update(item, {"kind": KIND, "blob": blob_key, **due}, ALWAYS)


def release_due(item: Item) -> None:
    """Handle a blob that is due. If it is too young, it stays due for later."""
    if release(item["blob"]):
        try:
            jobs().delete(item[KEY], Attr("due_at").eq(item["due_at"]))
        except ConditionFailed:
            return  # another document was deleted in the meantime: look again
