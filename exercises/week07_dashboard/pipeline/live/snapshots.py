"""The rows with which a stream begins. Given to students complete.

When an API process starts again, all browsers of an owner come back at once. They share a reading of the
rows, if it began after the last of them was registered.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache

import anyio

from pipeline.api.job_view import JobPage, JobView
from pipeline.api.threads import on_thread
from pipeline.models.listing import page

SNAPSHOT_JOBS = 50
"""How many jobs a snapshot has, the newest ones."""


@dataclass
class _Shared:
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    began: float = 0.0
    data: str = ""
    waiting: int = 0


@cache
def _shared() -> defaultdict[str, _Shared]:
    return defaultdict(_Shared)


async def snapshot(owner: str) -> str:
    """The owner's newest jobs as JSON, the same as `GET /jobs` answers. Read after this call began.

    Raises:
        JobStoreUnavailable: DynamoDB is away.
    """
    called = time.monotonic()
    shared = _shared()[owner]
    shared.waiting += 1
    try:
        async with shared.lock:
            if shared.began < called:
                began = time.monotonic()
                found = await on_thread(page, owner, None, SNAPSHOT_JOBS, None)
                views = [JobView.of(job) for job in found.jobs]
                shared.data = JobPage(jobs=views, next_cursor=found.cursor).model_dump_json()
                shared.began = began
            return shared.data
    finally:
        shared.waiting -= 1
        if not shared.waiting:
            _shared().pop(owner, None)
