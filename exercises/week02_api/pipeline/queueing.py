"""The API's access to Redis, with short timeouts. Given to students complete.

Celery's defaults suit a worker, which can wait: a connection attempt without an answer takes minutes,
and a result backend that does not answer is tried twenty times. A client of the API cannot wait so long.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar

from celery import states
from celery.exceptions import SecurityError
from kombu.exceptions import OperationalError
from pydantic import Field
from pydantic_settings import BaseSettings
from redis.exceptions import RedisError

from pipeline.discovery import modules_in
from pipeline.errors import ResultsUnavailable
from pipeline.states import QUEUED
from pipeline.tasks.celery_config import app
from pipeline.threads import Threads
from pipeline.wiring import DOCUMENT_TASK, PipelineTask

P = ParamSpec("P")
T = TypeVar("T")

REDIS_ERRORS = (OperationalError, RedisError, OSError)
"""The exceptions that Celery raises if the broker or the result backend cannot be reached.
`TimeoutError` is a kind of `OSError`."""
PUBLISH_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0, "interval_max": 0.1}
"""One retry. After a restart of Redis, the first attempt uses a connection that is already closed."""


class QueueSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    redis_connect_timeout_seconds: float = Field(default=1.0, gt=0)
    redis_answer_timeout_seconds: float = Field(default=2.0, gt=0)
    redis_turn_timeout_seconds: float = Field(default=5.0, gt=0)
    """How many seconds a request waits until one of the threads for Redis is free."""
    redis_threads: int = Field(default=16, gt=0)


@cache
def queue_settings() -> QueueSettings:
    """Return the settings of this process, which are read once."""
    return QueueSettings()


def set_short_waits() -> None:
    """Give Celery short timeouts in this process. The API calls this function when it starts."""
    settings = queue_settings()
    waits = {
        "socket_connect_timeout": settings.redis_connect_timeout_seconds,
        "socket_timeout": settings.redis_answer_timeout_seconds,
    }
    app.conf.update(
        broker_transport_options={**app.conf.broker_transport_options, **waits},
        redis_socket_connect_timeout=settings.redis_connect_timeout_seconds,
        redis_socket_timeout=settings.redis_answer_timeout_seconds,
        result_backend_transport_options={
            **app.conf.result_backend_transport_options,
            "retry_policy": PUBLISH_POLICY,
        },
    )


@cache
def document_task() -> PipelineTask:
    """Return the registered task that processes a new document. `pipeline.wiring` names it."""
    for name in modules_in("pipeline.tasks"):
        importlib.import_module(name)
    return app.tasks[DOCUMENT_TASK]


def record_queued(task_id: str) -> None:
    """Store the state QUEUED for a task, until `result_expires`. This call blocks.

    Raises:
        REDIS_ERRORS: the result backend cannot be reached.
    """
    app.backend.store_result(task_id, {"step": "queued", "percent": 0}, QUEUED)


def delete_record(task_id: str) -> None:
    """Delete what the result backend stores about a task. If Redis is unavailable, the record expires."""
    try:
        app.backend.forget(task_id)
    except REDIS_ERRORS:
        return


def look_up(task_id: str) -> tuple[str, Any]:
    """Read a task's state, and its progress, result or exception. This call blocks.

    Raises:
        REDIS_ERRORS: the result backend cannot be reached.
    """
    try:
        meta = app.backend.get_task_meta(task_id, cache=False)
    except SecurityError:  # the stored type is no exception, so Celery refuses to build it
        return states.FAILURE, None
    return meta["status"], meta["result"]


@cache
def redis_threads() -> Threads:
    """Return the threads that may wait for Redis."""
    settings = queue_settings()
    return Threads(settings.redis_threads, settings.redis_turn_timeout_seconds)


async def off_the_loop(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call that waits for Redis on a thread, so that the event loop can answer other requests.

    Once the call has started, this function waits until it ends. It cannot take long, because its
    sockets have timeouts (`set_short_waits`).

    Args:
        call: a function that blocks. It is called with `args` and `kwargs`.

    Returns:
        What the call returns.

    Raises:
        TimeoutError: no thread was free in time. The call was not started.
    """
    return await redis_threads().run(call, *args, **kwargs)


async def task_state(task_id: str) -> tuple[str, Any]:
    """Read a task's state, and its progress, result or exception, without blocking the event loop.

    Raises:
        ResultsUnavailable: Redis is unavailable.
    """
    try:
        return await off_the_loop(look_up, task_id)
    except REDIS_ERRORS as error:
        raise ResultsUnavailable from error
