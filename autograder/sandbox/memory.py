"""How many processes a submission has, and how much memory they take together."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import psutil

from bootcamp import bounds


def too_much_memory(pid: int) -> str:
    """Why a process and all below it are more, or take more memory, than they may, or ""."""
    if not pid:
        return ""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return ""
    if len(family) > bounds.MAX_FAMILY_PROCESSES:
        return f"it ran more than {bounds.MAX_FAMILY_PROCESSES} processes at once"
    if sum(map(resident, family)) <= bounds.MAX_FAMILY_BYTES:
        return ""  # nearly always: the true sum takes longer to find out
    if sum(map(share, family)) <= bounds.MAX_FAMILY_BYTES:
        return ""
    return f"its processes took more than {bounds.MAX_FAMILY_BYTES // bounds.MIB:,} MiB of memory together"


def resident(process: psutil.Process) -> int:
    """A process's memory, with all that it shares with others."""
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def share(process: psutil.Process) -> int:
    """A process's part of what it shares with others, and what is its own."""
    if sys.platform == "linux":
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    return resident(process)
