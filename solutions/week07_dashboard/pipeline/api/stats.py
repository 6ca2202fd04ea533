"""`GET /stats`: how many jobs an owner has, by state."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
from fastapi import APIRouter
from pydantic import BaseModel, Field

from pipeline.api.responses import error_responses
from pipeline.api.threads import on_thread
from pipeline.live.settings import live_settings
from pipeline.models.counting import Counts, count_jobs
from pipeline.models.errors import JobStoreUnavailable
from pipeline.models.job import Status
from pipeline.owners import current_owner

router = APIRouter(tags=["jobs"])

MAX_OWNERS = 1_000
"""Of how many owners this process keeps the last count."""


@dataclass
class Kept:
    """The last count of one owner's jobs. A request that counts holds the lock."""

    counts: Counts | None = None
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class Stats(BaseModel):
    """What `GET /stats` answers."""

    total: int = Field(ge=0)
    by_status: dict[Status, int]
    """All states, also those without a job."""
    complete: bool
    """False: there are more jobs than one count may read. The numbers are too low then."""
    as_of: datetime
    """When the count began."""

    @classmethod
    def of(cls, counts: Counts) -> Stats:
        return cls(
            total=sum(counts.by_status.values()),
            by_status=counts.by_status,
            complete=counts.complete,
            as_of=datetime.fromtimestamp(counts.as_of, UTC),
        )


_KEPT: OrderedDict[str, Kept] = OrderedDict()


def kept_for(owner: str) -> Kept:
    """What this process keeps of an owner. Of too many owners the one asked for least recently goes."""
    kept = _KEPT.setdefault(owner, Kept())
    _KEPT.move_to_end(owner)
    if len(_KEPT) > MAX_OWNERS:
        _KEPT.popitem(last=False)
    return kept


async def recent_counts(owner: str) -> Counts:
    """The counts of an owner's jobs, at most `stats_seconds` old, however many browsers ask.

    Raises:
        JobStoreUnavailable: DynamoDB is away.
    """
    kept = kept_for(owner)
    oldest = live_settings().stats_seconds
    # BEGIN SOLUTION 7.4
    # ? a) Give the last count again while its `as_of` (by `time.time()`) is less than `oldest` seconds ago.
    # ? b) Otherwise count (`count_jobs`), and keep the result. It blocks: run it `on_thread`. Let
    # ? `JobStoreUnavailable` through, and do not give an older count instead.
    # ? c) Requests that come while one counts wait for it (`async with kept.lock`). They count again only if
    # ? its result is already too old then.
    # ? d) Count the rows. Never add up changes, because a message may be lost, and a job that expires
    # ? sends none.
    async with kept.lock:
        if kept.counts is None or time.time() - kept.counts.as_of >= oldest:
            kept.counts = await on_thread(count_jobs, owner)
        return kept.counts
    # END SOLUTION


@router.get("/stats", summary="Count jobs", responses=error_responses(JobStoreUnavailable))
async def read_stats() -> Stats:
    """How many jobs you have, all together and in each state. At most five seconds old."""
    return Stats.of(await recent_counts(current_owner()))
