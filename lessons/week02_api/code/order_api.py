"""The shop's API: takes orders, and answers before anything is printed."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from celery.result import denied_join_result
from fastapi import FastAPI, HTTPException, Response
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from shop import app

SHORT_WAITS = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
"""Seconds. Celery's own: none, which means for ever."""
ONE_MORE = {"max_retries": 1, "interval_start": 0.1}
"""How often Celery tries to publish again. Its own policy: three times."""
REDIS_ERRORS = (OperationalError, RedisError, OSError)
"""What comes out of Celery when Redis does not answer."""


@asynccontextmanager
async def lifespan(api: FastAPI) -> AsyncIterator[None]:
    if os.environ.get("WAITS") == "short":
        app.conf.broker_transport_options = SHORT_WAITS
    with denied_join_result():  # nobody here waits for a result, so publishing need not subscribe
        yield


api = FastAPI(lifespan=lifespan)


@app.task(name="shop.print")
def print_photo(photo: str) -> str:
    return f"{photo}, printed"


def enqueue(photo: str) -> str:
    """Put an order in the queue, and return its id. Blocks until Redis has it."""
    return print_photo.apply_async([photo], task_id=str(uuid.uuid4()), retry_policy=ONE_MORE).id


@api.get("/health")
async def health() -> str:
    return "up"


@api.post("/careless/orders", status_code=202)
async def careless_order(photo: str) -> dict[str, str]:
    return {"order": enqueue(photo)}


@api.post("/orders", status_code=202)
async def take_order(photo: str, response: Response) -> dict[str, str]:
    try:
        order = await asyncio.to_thread(enqueue, photo)
    except REDIS_ERRORS as error:
        raise HTTPException(503, "Not accepted. Try again.", {"Retry-After": "5"}) from error
    response.headers["Location"] = f"/orders/{order}"
    return {"order": order}
