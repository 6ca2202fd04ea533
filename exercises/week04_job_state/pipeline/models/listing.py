"""Reads jobs: one by its id, or all jobs of an owner, page by page."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from pipeline.models.errors import InvalidCursor, JobNotFound
from pipeline.models.job import LIST_INDEX, Job, Status, jobs
from pipeline.models.table import EXPIRY, KEY, Item, exact, moment

READ_ITEMS = 200
"""How many jobs one query reads, before the filter."""
MAX_QUERIES = 10
"""How many queries one page may cost. If jobs of the wanted status are rare, a page can be short or
empty although there are more jobs."""
MAX_CURSOR_CHARS = 300


@dataclass(frozen=True)
class Page:
    """One page of an owner's jobs."""

    jobs: list[Job]
    cursor: str | None
    """Send it to read the next page. None: this page was the last one."""


def read_row(job_id: str) -> Item | None:
    """Read the row of a job from the jobs table.

    Args:
        job_id: the id of the job.

    Returns:
        The stored item with all earlier writes, or None if no item has this id.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    # TODO 4.0:
    #   a) Return what the jobs table has under this id: the method `get` of `jobs()` reads it.
    raise NotImplementedError("4.0")


def find(job_id: str, owner: str) -> Job:
    """Return the owner's job with this id.

    Args:
        job_id: the id of the job.
        owner: the owner who asks. It need not be the owner of the job.

    Raises:
        JobNotFound: no job has this id, it belongs to another owner, or it has expired.
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    item = read_row(job_id)
    # TODO 4.5:
    #   a) Return the job that `item` holds: `Job.from_item`.
    #   b) Raise `JobNotFound` if there is no item, if the job belongs to another owner than
    #      `owner`, or if it has expired (`Job.expired`): DynamoDB deletes expired items late. The
    #      error is the same each time, so a stranger cannot find out which ids exist.
    raise NotImplementedError("4.5")


def visible(status: Status | None) -> ConditionBase:
    """Return the condition under which a job is shown.

    The job has not expired, and it has this status. None: any status.
    """
    shown = Attr(EXPIRY).not_exists() | Attr(EXPIRY).gt(moment())
    return shown & Attr("status").eq(status.value) if status else shown


def page(owner: str, status: Status | None, limit: int, cursor: str | None) -> Page:
    """Return one page of an owner's jobs, newest first.

    Args:
        owner: the owner of the jobs.
        status: only jobs in this state. None: in any state.
        limit: the largest number of jobs on the page.
        cursor: the cursor of the page before. None: the first page.

    Returns:
        The page. It is shorter than `limit`, or even empty, only if no more jobs follow or if
        `MAX_QUERIES` queries were not enough to fill it.

    Raises:
        InvalidCursor: the cursor was not made by `make_cursor`.
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    start = read_cursor(cursor, owner) if cursor else None
    found: list[Job] = []
    # TODO 4.5:
    #   c) Query `LIST_INDEX` for the jobs of `owner`, newest first, from `start` on, with the
    #      filter `keep=visible(status)` and `limit=READ_ITEMS`: so many that a rare status costs
    #      few queries. `query` returns the items and the place where the next query goes on, which
    #      is None at the end. Let its errors out.
    #   d) Query again from that place until at least `limit` jobs are found, until the place is
    #      None, or until `MAX_QUERIES` queries were made. A short or empty answer alone is not the
    #      end, because the filter runs after the reading.
    #   e) Return a `Page` with at most `limit` jobs (`Job.from_item`), in the order of the index.
    #   f) If more jobs were found than fit, the cursor is `make_cursor` of `place_of` the last job
    #      on the page. Else it is `make_cursor` of the last query's place, or None if that place is
    #      None.
    raise NotImplementedError("4.5")


def place_of(job: Job) -> Item:
    """Return a job's place in `LIST_INDEX`, in the form that `query` returns and accepts."""
    return {KEY: job.id, "owner": job.owner, "created_at": exact(job.created_at)}


def make_cursor(place: Item) -> str:
    """Turn a place in `LIST_INDEX` into text for a URL.

    The cursor does not contain the owner. The owner comes from the request, so a cursor of somebody
    else gives no access to their jobs.
    """
    text = json.dumps([str(place["created_at"]), place[KEY]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, owner: str) -> Item:
    """Turn a cursor back into a place in the list of `owner`. Given. Raises InvalidCursor."""
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        text = base64.b64decode(f"{cursor}{'=' * (-len(cursor) % 4)}", b"-_", validate=True)
        created_at, job_id = json.loads(text)
        return {KEY: _text(job_id), "owner": owner, "created_at": _number(created_at)}
    except (ValueError, TypeError, InvalidOperation, RecursionError) as error:
        raise InvalidCursor from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _number(value: Any) -> Decimal:
    number = Decimal(_text(value))
    if not 0 <= number < 10**12:  # also false for NaN
        raise ValueError("no moment")
    return number.quantize(Decimal("0.000001"))
