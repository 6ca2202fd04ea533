"""Threads for calls that block, so that the event loop goes on. Given to students complete."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """The threads that may wait for one service.

    Each service has its own: a slow one must not keep the threads that another needs.

    Args:
        count: how many calls run at the same time.
        turn_seconds: how long a call waits until a thread is free.
    """

    def __init__(self, count: int, turn_seconds: float) -> None:
        self._limiter = CapacityLimiter(count)
        self._turn_seconds = turn_seconds

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call that blocks, and return what it returns.

        A call that has begun is waited for, so its outcome is always known.

        Raises:
            TimeoutError: no thread was free in time. The call was not begun.
        """
        with anyio.fail_after(self._turn_seconds):
            return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._limiter)
