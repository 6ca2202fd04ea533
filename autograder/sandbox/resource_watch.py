"""Looks at what a submission takes of the machine, and ends one that takes more than it may."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

LOOK_SECONDS = 0.5
CROWDED = 4.0
"""Processes per processor that want to run. From here on right work may miss a generous deadline."""

Look = Callable[[], str]
"""Says what is too much, or ""."""


class Crowd:
    """How many processes want a processor of this machine, of all users together."""

    def __init__(self) -> None:
        self._wanted: list[float] = []

    def look(self) -> str:
        """Count them once more. Never says that it is too much: nobody knows whose they are."""
        try:
            wanted = float(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
        except (OSError, IndexError, ValueError):  # no Linux: the mean of the last minute
            wanted = os.getloadavg()[0]
        self._wanted.append(wanted / (os.cpu_count() or 1))
        return ""

    def clear(self) -> None:
        """Drop what was seen: only what comes from now on counts."""
        self._wanted.clear()

    @property
    def too_large(self) -> bool:
        """Whether right work may have been late since the last `clear`."""
        seen = list(self._wanted)
        return bool(seen) and sum(seen) / len(seen) > CROWDED


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
