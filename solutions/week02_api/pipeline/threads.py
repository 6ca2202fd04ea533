"""Threads for blocking calls, which would stop the event loop. Given to students complete."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A limited number of threads that may wait for one service.

    Each service has its own threads, so a slow service cannot occupy those of another.

    Args:
        count: how many calls may run at the same time.
        turn_seconds: how many seconds a call may wait until a thread is free.
    """

    def __init__(self, count: int, turn_seconds: float) -> None:
        self._limiter = CapacityLimiter(count)
        self._turn_seconds = turn_seconds

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call on a thread, and return its result.

        Once the call has started, this method waits until it ends, so the outcome is always known.

        Raises:
            TimeoutError: no thread was free in time. The call was not started.
        """
        with anyio.fail_after(self._turn_seconds):
            return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._limiter)
