"""How the API process talks to Redis: briefly, or not at all.

Given to students complete. Celery's defaults suit a worker, which has time: an unanswered connect
waits for minutes, a lost result backend is tried twenty times. A client who waits for an answer
has no time.
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
"""What Celery raises when broker or result backend cannot be reached. OSError has TimeoutError."""
PUBLISH_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0, "interval_max": 0.1}
"""One more attempt: after a restart of Redis the first one meets a connection that is closed."""


class QueueSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    redis_connect_timeout_seconds: float = Field(default=1.0, gt=0)
    redis_answer_timeout_seconds: float = Field(default=2.0, gt=0)
    redis_turn_timeout_seconds: float = Field(default=5.0, gt=0)
    """How long a request waits until one of the threads that talk to Redis is free."""
    redis_threads: int = Field(default=16, gt=0)


@cache
def queue_settings() -> QueueSettings:
    """The settings of this process, read once."""
    return QueueSettings()


def set_short_waits() -> None:
    """Set Celery in this process to short waits. The API calls it when it starts."""
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
    """The registered task that takes a new document: the one that `pipeline.wiring` names."""
    for name in modules_in("pipeline.tasks"):
        importlib.import_module(name)
    return app.tasks[DOCUMENT_TASK]


def remember(task_id: str) -> None:
    """Store that this task exists, until `result_expires`. Blocks; raises one of `REDIS_ERRORS`."""
    app.backend.store_result(task_id, {"step": "queued", "percent": 0}, QUEUED)


def forget(task_id: str) -> None:
    """Undo `remember`, if Redis lets us: what is left expires."""
    try:
        app.backend.forget(task_id)
    except REDIS_ERRORS:
        return


def look_up(task_id: str) -> tuple[str, Any]:
    """A task's state and its result, progress or exception. Blocks; raises `REDIS_ERRORS`."""
    try:
        meta = app.backend.get_task_meta(task_id, cache=False)
    except SecurityError:  # what was stored as an exception is none: Celery does not build it
        return states.FAILURE, None
    return meta["status"], meta["result"]


@cache
def redis_threads() -> Threads:
    """The threads that may wait for Redis."""
    settings = queue_settings()
    return Threads(settings.redis_threads, settings.redis_turn_timeout_seconds)


async def off_the_loop(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call that waits for Redis on a thread, so that the event loop goes on.

    A call that has begun is waited for. It is short, because its sockets have timeouts
    (`set_short_waits`).

    Raises:
        TimeoutError: no thread was free in time. The call was not begun.
    """
    return await redis_threads().run(call, *args, **kwargs)


async def task_state(task_id: str) -> tuple[str, Any]:
    """A task's state and its result, progress or exception, as the result backend has them.

    Raises:
        ResultsUnavailable: Redis is away.
    """
    try:
        return await off_the_loop(look_up, task_id)
    except REDIS_ERRORS as error:
        raise ResultsUnavailable from error
