"""Prepares an API process before its first request. Given to students complete.

The first request would wait about a second for clients that are made when they are first used. And a
full garbage collection stops all requests: with what an API process holds, 0.2 s. The objects that are
there at the start stay, so `gc.freeze` leaves them out (Python's documentation of `gc`).
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import APIRouter, FastAPI

from pipeline.models.job import jobs
from pipeline.storage import blob_store
from pipeline.tasks.celery_config import app


def make_clients() -> None:
    """Make the clients of all stores. None of them connects, so a store may be away."""
    jobs()
    blob_store()
    _ = app.amqp.queues, app.backend, app.producer_pool


@asynccontextmanager
async def ready(api: FastAPI) -> AsyncIterator[None]:
    """Make the clients, and leave what there is now out of garbage collection."""
    await to_thread.run_sync(make_clients)
    gc.collect()
    gc.freeze()
    yield


router = APIRouter(lifespan=ready)
