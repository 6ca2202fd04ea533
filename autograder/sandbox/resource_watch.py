"""Ends a submission that takes more of the machine than it may."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Self

LOOK_SECONDS = 0.5

Look = Callable[[], str]
"""Says what is too much, or ""."""


class Watch:
    """While this lasts, `end` is called with the reason once one of the looks has given one."""

    def __init__(self, looks: Sequence[Look], end: Callable[[str], object]) -> None:
        self._looks = looks
        self._end = end
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            for look in self._looks:
                if reason := look():
                    self._end(reason)
                    return
