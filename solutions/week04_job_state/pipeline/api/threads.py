"""Threads for calls that wait for DynamoDB. Given."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from pipeline.models.errors import JobStoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 16
TURN_SECONDS = 5.0
"""How long a request waits until one of the threads is free."""


@cache
def _limiter() -> CapacityLimiter:
    """Their own, so that a slow DynamoDB and a slow Redis do not keep each other's threads."""
    return CapacityLimiter(THREADS)


async def on_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call that blocks, so that the event loop goes on.

    Raises:
        JobStoreUnavailable: no thread was free in time. The call was not begun.
    """
    with anyio.move_on_after(TURN_SECONDS):
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=_limiter())
    raise JobStoreUnavailable
