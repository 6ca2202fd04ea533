"""Runs calls that wait for DynamoDB on threads. Given."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import ParamSpec, TypeVar

from pipeline.models.errors import JobStoreUnavailable
from pipeline.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 16
TURN_SECONDS = 5.0
"""How long a request waits until one of the threads is free."""


@cache
def _threads() -> Threads:
    return Threads(THREADS, TURN_SECONDS)


async def on_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call on a thread, so that the event loop can serve other requests.

    Raises:
        JobStoreUnavailable: no thread was free in time. The call was not made.
    """
    try:
        return await _threads().run(call, *args, **kwargs)
    except TimeoutError as error:
        raise JobStoreUnavailable from error
