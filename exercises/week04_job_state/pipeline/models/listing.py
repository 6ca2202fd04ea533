"""Reading jobs: one by its id, or an owner's, page by page."""

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
"""How many jobs one query looks at."""
MAX_QUERIES = 10
"""How many queries one page may cost. With a rare status a page can come back with less than was
asked for, or empty, and still not be the last."""
MAX_CURSOR_CHARS = 300


@dataclass(frozen=True)
class Page:
    """Some of the jobs. `cursor` leads to the next ones; None: these were the last."""

    jobs: list[Job]
    cursor: str | None


def find(job_id: str, owner: str) -> Job:
    """The owner's job with this id.

    Raises:
        JobNotFound: there is none, or it is another's, or it has expired.
    """
    item = jobs().get(job_id)
    # TODO 4.5: Three reasons to say that there is no such job. Whoever asks must not learn which:
    #   "it is another's" would say that it exists. DynamoDB deletes late: an expired item may still
    #   be there.
    raise NotImplementedError("4.5")


def visible(status: Status | None) -> ConditionBase:
    """The condition that a job is shown: it has not expired, and has the status asked for. Given."""
    shown = Attr(EXPIRY).not_exists() | Attr(EXPIRY).gt(moment())
    return shown & Attr("status").eq(status.value) if status else shown


def page(owner: str, status: Status | None, limit: int, cursor: str | None) -> Page:
    """Up to `limit` jobs of an owner, newest first, from where the cursor is.

    Raises:
        InvalidCursor: it is none of ours.
    """
    start = read_cursor(cursor, owner) if cursor else None
    found: list[Job] = []
    # TODO 4.5: Ask `LIST_INDEX` for this owner's jobs, newest first, those that are `visible`.
    #   A query counts what it looks at, not what passes the filter: its answer may be short, even
    #   empty, with more to come. Go on from the place it gives until the page is full, until there
    #   is no more, or until `MAX_QUERIES` are spent.
    #   The page's cursor is where the next one goes on: the place of its last job, where more was
    #   found than fits; else the place that the query gave; None where nothing follows.
    raise NotImplementedError("4.5")


def place_of(job: Job) -> Item:
    """Where a job is in `LIST_INDEX`, as a query gives and takes it. Given."""
    return {KEY: job.id, "owner": job.owner, "created_at": exact(job.created_at)}


def make_cursor(place: Item) -> str:
    """A place in `LIST_INDEX` as text for a URL. Given.

    It does not say whose jobs are listed: that comes from the request, so a cursor opens no door.
    """
    text = json.dumps([str(place["created_at"]), place[KEY]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, owner: str) -> Item:
    """The other way round, for whoever sent it. Given. Raises InvalidCursor."""
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
