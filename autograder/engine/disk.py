"""Ends a submission that fills the disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

MAX_DISK_BYTES = 1024**3
"""All that a submission may write, its documents in the blob store too."""
MAX_FILES = 100_000
LOOK_SECONDS = 0.5
BLOCK_BYTES = 512
"""The unit of `st_blocks`."""


class DiskWatch:
    """While this lasts, `stop` is called when the folders together have grown too large."""

    def __init__(self, folders: Sequence[Path], stop: Callable[[], object]) -> None:
        self._folders = folders
        self._stop = stop
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
            if any(too_large(folder) for folder in self._folders):
                self._stop()
                return


def too_large(folder: Path) -> bool:
    """Whether a folder holds more than it may. Links are counted, not followed."""
    size = count = 0
    for base, _, names in os.walk(folder):
        for name in names:
            count += 1
            try:
                size += os.lstat(os.path.join(base, name)).st_blocks * BLOCK_BYTES  # noqa: PTH118
            except OSError:
                continue
        if size > MAX_DISK_BYTES or count > MAX_FILES:
            return True
    return False
