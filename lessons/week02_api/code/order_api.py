"""The shop's API. It accepts orders, and answers before anything is printed."""

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
"""In seconds. Celery's default is no limit."""
ONE_MORE = {"max_retries": 1, "interval_start": 0.1}
"""How often Celery retries to publish. Its default is three times."""
REDIS_ERRORS = (OperationalError, RedisError, OSError)
"""The exceptions that Celery raises if Redis does not answer."""


@asynccontextmanager
async def lifespan(api: FastAPI) -> AsyncIterator[None]:
    if os.environ.get("WAITS") == "short":
        app.conf.broker_transport_options = SHORT_WAITS
    with denied_join_result():  # this process never waits for a result
        yield


api = FastAPI(lifespan=lifespan)


@app.task(name="shop.print")
def print_document(document: str) -> str:
    return f"{document}, printed"


def enqueue(document: str) -> str:
    """Enqueue an order, and return its id. This call blocks until Redis has the message."""
    return print_document.apply_async(
        [document], task_id=str(uuid.uuid4()), retry_policy=ONE_MORE
    ).id


@api.get("/health")
async def health() -> str:
    return "up"


@api.post("/careless/orders", status_code=202)
async def careless_order(document: str) -> dict[str, str]:
    return {"order": enqueue(document)}


@api.post("/orders", status_code=202)
async def take_order(document: str, response: Response) -> dict[str, str]:
    try:
        order = await asyncio.to_thread(enqueue, document)
    except REDIS_ERRORS as error:
        raise HTTPException(503, "Not accepted. Try again.", {"Retry-After": "5"}) from error
    response.headers["Location"] = f"/orders/{order}"
    return {"order": order}
