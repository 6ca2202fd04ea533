"""How many processes a submission has, and how much memory they take together."""

from __future__ import annotations

from contextlib import suppress

import psutil

from bootcamp import bounds


def too_much_memory(pid: int) -> str:
    """Why a process and all below it are more, or take more memory, than they may, or ""."""
    processes = family(pid) if pid else []
    if len(processes) > bounds.MAX_FAMILY_PROCESSES:
        return f"it ran more than {bounds.MAX_FAMILY_PROCESSES} processes at once"
    most = bounds.MAX_FAMILY_BYTES
    # The first sum counts shared memory several times, but takes far less work.
    if all(sum(map(look, processes)) > most for look in (resident, share)):
        return f"its processes took more than {most // bounds.MIB:,} MiB of memory together"
    return ""


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it; none if it is gone."""
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def resident(process: psutil.Process) -> int:
    """A process's memory, with all that it shares with others."""
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def share(process: psutil.Process) -> int:
    """A process's part of what it shares with others, and what is its own."""
    with suppress(psutil.Error, AttributeError):  # only Linux tells it
        return int(process.memory_full_info().pss)
    return resident(process)
