"""Waiting without sleeping longer than needed: poll to a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.01

T = TypeVar("T")


class Deadlines:
    """Counts the waits that came to their end without an answer. One count for a process."""

    def __init__(self) -> None:
        self.missed = 0

    def miss(self) -> None:
        """Note one."""
        self.missed += 1


DEADLINES = Deadlines()


def until(probe: Callable[[], T], timeout: float, every: float = POLL_SECONDS) -> T | None:
    """The first true answer of `probe`; `None` after `timeout` seconds. Asked every 10 ms, or less
    often where asking takes work from what is waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        if answer := probe():
            return answer
        if time.monotonic() >= deadline:
            DEADLINES.miss()
            return None
        time.sleep(every)
