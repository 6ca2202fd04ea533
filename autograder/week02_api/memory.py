"""Measures how much memory a process uses during a block."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.005


class PeakMemory:
    """The growth of a process's resident memory during a `with` block, in bytes, at its peak.

    Linux records the peak itself. In addition, and on other systems, the process is sampled.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._sampled = 0
        self.grown = 0

    def __enter__(self) -> PeakMemory:
        self._start = self._process.memory_info().rss
        self._earlier = self._kept_peak()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        peak = self._kept_peak()
        new = peak if peak > self._earlier else 0  # an older peak says nothing about this block
        self.grown = max(0, max(self._sampled, new) - self._start)

    def _sample(self) -> None:
        with suppress(psutil.Error):
            while not self._stop.wait(SAMPLE_SECONDS):
                self._sampled = max(self._sampled, self._process.memory_info().rss)

    def _kept_peak(self) -> int:
        with suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0
