"""How many processes a submission has, and how much memory they take together."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import psutil

MAX_TOTAL_BYTES = 4 * 1024**3
"""All processes of a submission together. What they share with their parent counts once in all."""
MAX_FAMILY = 128
"""Processes of a submission at once. The reference has less than forty, in any week."""


def too_much_memory(pid: int) -> str:
    """Why a process and all below it are more, or take more memory, than they may, or ""."""
    if not pid:
        return ""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return ""
    if len(family) > MAX_FAMILY:
        return f"it ran more than {MAX_FAMILY} processes at once"
    if sum(map(_resident, family)) <= MAX_TOTAL_BYTES:
        return ""  # nearly always: the true sum takes longer to find out
    if sum(map(_share, family)) <= MAX_TOTAL_BYTES:
        return ""
    return f"its processes took more than {MAX_TOTAL_BYTES // 1024**2:,} MiB of memory together"


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _share(process: psutil.Process) -> int:
    """A process's part of what it shares with others, and what is its own."""
    if sys.platform == "linux":
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    return _resident(process)
