"""Hears of the end of the process before uvicorn waits for its connections. Given to students complete.

On SIGTERM uvicorn first waits until every response is complete, and only then runs the end of the
lifespan. A stream is never complete by itself, so somebody has to end it before that.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def when_stopping(call: Callable[[], None]) -> Iterator[None]:
    """Run `call` on the event loop when the process is told to stop, and then what ran before.

    Signals reach the main thread alone. In any other thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(call)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
