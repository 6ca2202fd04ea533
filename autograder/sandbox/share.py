"""A share of processors and memory for each grading process, where control groups can be made (Linux).

A grading process, its servers and all that its submission starts are one group, and groups have equal
weight. So 300 processes of one submission get no more than the few of its neighbour. Within the group,
the submission has one half: the grader that watches it always gets the other. The kernel itself limits
the memory and the processes of the submission's half, also between two looks of the watch.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bootcamp import bounds

PREFIX = "bootcamp-"
CPU = "cpu"
LIMITS = {
    CPU: {},
    "memory": {
        "memory.max": bounds.MAX_GROUP_BYTES,
        "memory.limit_in_bytes": bounds.MAX_GROUP_BYTES,
    },
    "pids": {"pids.max": bounds.MAX_GROUP_THREADS},
}
"""The controllers, and what each limits in the submission's half: as version 2 names it, and version 1."""
PROCESSES = "cgroup.procs"
GRADERS, SUBMISSION = "graders", "submission"
"""The halves of a group. Only groups without groups below them have processes."""
ATTEMPTS = 3
EMPTY_SECONDS = 2.0
"""Processes that were killed leave their group within this time."""


def enter_own_share() -> tuple[str, ...]:
    """Move this process to groups of its own. Returns the controllers for which one could be made."""
    remove_empty()
    return tuple(controller for controller in LIMITS if _enter(controller))


def _enter(controller: str) -> bool:
    for parent in places(controller):
        for _ in range(ATTEMPTS):  # somebody may take a group away before we are in it
            group = parent / f"{PREFIX}{os.getpid()}"
            with suppress(OSError):
                group.mkdir(exist_ok=True)
                if (control := group / "cgroup.subtree_control").exists():
                    control.write_text(f"+{controller}")
                for half in (GRADERS, SUBMISSION):
                    (group / half).mkdir(exist_ok=True)
                (group / GRADERS / PROCESSES).write_text(str(os.getpid()))
                for name, most in LIMITS[controller].items():
                    if (limit := group / SUBMISSION / name).exists():
                        limit.write_text(str(most))
                return True
    return False


def of_submission() -> tuple[Path, ...]:
    """The files through which a process joins the submission's half; none without a share."""
    found = {
        place / f"{PREFIX}{os.getpid()}" / SUBMISSION / PROCESSES
        for controller in LIMITS
        for place in places(controller)
    }
    return tuple(sorted(file for file in found if file.exists()))


def remove_empty(pid: int = 0) -> None:
    """Remove the groups in which nothing runs any more; wait for that of a process that has ended."""
    deadline = time.monotonic() + EMPTY_SECONDS
    for parent in {place for controller in LIMITS for place in places(controller)}:
        for group in parent.glob(f"{PREFIX}*"):
            while True:
                with suppress(OSError):
                    for half in (GRADERS, SUBMISSION):  # nothing goes while graders run
                        if (group / half).exists():
                            (group / half).rmdir()
                    group.rmdir()
                awaited = group.name == f"{PREFIX}{pid}" and group.exists()
                if not awaited or time.monotonic() > deadline:
                    break
                time.sleep(0.05)


def places(controller: str = CPU, proc: Path = Path("/proc")) -> Iterator[Path]:
    """The groups below which one with a controller can be made, best one first."""
    if sys.platform != "linux":
        return
    try:
        mounts = (proc / "self/mounts").read_text().splitlines()
        ours = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    own = {one.split(":")[1]: one.split(":", 2)[2].strip("/") for one in ours}
    for _, place, kind, options, *_ in map(str.split, mounts):
        if kind == "cgroup" and controller in options.split(","):
            names = next((one for one in own if controller in one.split(",")), None)
            if names is not None:
                yield _above_ours(Path(place, own[names]))
        if kind == "cgroup2" and "" in own:
            # A group that has processes cannot divide its share, so ours becomes its neighbour.
            beside = _above_ours(Path(place, own[""]))
            beside = beside.parent if own[""] and beside == Path(place, own[""]) else beside
            with suppress(OSError):
                if controller in (beside / "cgroup.subtree_control").read_text().split():
                    yield beside


def _above_ours(group: Path) -> Path:
    """The group, or the one above it where it is one of these shares, or a half of one."""
    shares = (one.parent for one in (group, *group.parents) if one.name.startswith(PREFIX))
    return next(shares, group)
