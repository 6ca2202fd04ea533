"""How much processor time groups of processes take, their children included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

Seconds = dict[str, float]
"""Seconds of processor time, by group."""
Groups = Mapping[str, Sequence[int]]
"""The process ids of each group, by its name."""


def used(groups: Groups) -> Seconds:
    """Return the processor time that each group has used until now, in seconds.

    Args:
        groups: the processes. Those below them count too: those that run, and those that have ended,
            whose time the kernel adds to the process that waited for them.
    """
    return {name: sum(map(_of_tree, pids)) for name, pids in groups.items()}


def between(before: Seconds, after: Seconds) -> Seconds:
    """Return what each group has used from one moment to another."""
    return {name: after[name] - before.get(name, 0.0) for name in after}


def _of_tree(pid: int) -> float:
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += sum(
                    process.cpu_times()[:4]
                )  # own and waited-for children, user and system
    return total
