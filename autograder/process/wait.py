"""Waiting without sleeping longer than needed: poll to a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

POLL_SECONDS = 0.01

T = TypeVar("T")


@dataclass
class Deadlines:
    """Counts the waits that came to their end without an answer."""

    missed: int = 0


DEADLINES = Deadlines()
"""Of this process."""


def until(probe: Callable[[], T], timeout: float, every: float = POLL_SECONDS) -> T | None:
    """The first true answer of `probe`; `None` after `timeout` seconds. Asked every 10 ms, or less
    often where asking takes work from what is waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        if answer := probe():
            return answer
        if time.monotonic() >= deadline:
            DEADLINES.missed += 1
            return None
        time.sleep(every)
