"""An API process makes its clients before its first request, and keeps them out of garbage collection."""

from __future__ import annotations

import asyncio
import gc

import pytest
from fastapi import FastAPI

pytestmark = pytest.mark.usefixtures("wired_as_in_week_eight")


def test_clients_are_there_before_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"REDIS_URL": "redis://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    known = {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "k"}
    known |= {"AWS_SECRET_ACCESS_KEY": "s", "BLOB_STORE_URL": "file:///nowhere"}
    for name, value in (nowhere | known).items():
        monkeypatch.setenv(name, value)
    from pipeline.api.warm_up import ready
    from pipeline.models.job import jobs
    from pipeline.storage import blob_store

    jobs.cache_clear()
    blob_store.cache_clear()

    async def start() -> tuple[int, int, int]:
        async with ready(FastAPI()):  # no store answers, and the process starts all the same
            made = jobs.cache_info().currsize, blob_store.cache_info().currsize
            return (*made, gc.get_freeze_count())

    try:
        tables, stores, frozen = asyncio.run(start())
    finally:
        gc.unfreeze()
        jobs.cache_clear()
        blob_store.cache_clear()
    assert (tables, stores) == (1, 1)
    assert frozen > 10_000
