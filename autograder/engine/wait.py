"""Waiting without sleeping longer than needed: poll to a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.01

T = TypeVar("T")


def until(probe: Callable[[], T], timeout: float) -> T | None:
    """The first true answer of `probe`, asked every 10 ms; `None` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if answer := probe():
            return answer
        if time.monotonic() >= deadline:
            return None
        time.sleep(POLL_SECONDS)
