"""A share of the processors for each grading process, where control groups can be made (Linux).

A grading process, its servers and all that its submission starts are one group, and groups have equal
weight. So 300 processes of one submission get no more than the few of its neighbour. Within the group,
the submission has one half: the grader that watches it always gets the other.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PREFIX = "bootcamp-"
CONTROLLER = "cpu"
PROCESSES = "cgroup.procs"
GRADERS, SUBMISSION = "graders", "submission"
"""The halves of a group. Only groups without groups below them have processes."""
ATTEMPTS = 3
EMPTY_SECONDS = 2.0
"""Processes that were killed leave their group within this time."""


def enter_own_share() -> bool:
    """Move this process to a group of its own. False where none can be made: nothing changed."""
    remove_empty()
    for parent in places():
        for _ in range(ATTEMPTS):  # somebody may take a group away before we are in it
            group = parent / f"{PREFIX}{os.getpid()}"
            with suppress(OSError):
                group.mkdir(exist_ok=True)
                if (control := group / "cgroup.subtree_control").exists():
                    control.write_text(f"+{CONTROLLER}")
                for half in (GRADERS, SUBMISSION):
                    (group / half).mkdir(exist_ok=True)
                (group / GRADERS / PROCESSES).write_text(str(os.getpid()))
                return True
    return False


def of_submission() -> Path | None:
    """The file through which a process joins the submission's half; None without a share."""
    files = (place / f"{PREFIX}{os.getpid()}" / SUBMISSION / PROCESSES for place in places())
    return next((file for file in files if file.exists()), None)


def remove_empty(pid: int = 0) -> None:
    """Remove the groups in which nothing runs any more; wait for that of a process that has ended."""
    deadline = time.monotonic() + EMPTY_SECONDS
    for parent in places():
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


def places(proc: Path = Path("/proc")) -> Iterator[Path]:
    """The groups below which one with a share of the processors can be made, best one first."""
    if sys.platform != "linux":
        return
    try:
        mounts = (proc / "self/mounts").read_text().splitlines()
        ours = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    own = {one.split(":")[1]: one.split(":", 2)[2].strip("/") for one in ours}
    for _, place, kind, options, *_ in map(str.split, mounts):
        if kind == "cgroup" and CONTROLLER in options.split(","):
            names = next((one for one in own if CONTROLLER in one.split(",")), None)
            if names is not None:
                yield _above_ours(Path(place, own[names]))
        if kind == "cgroup2" and "" in own:
            # A group that has processes cannot divide its share, so ours becomes its neighbour.
            beside = _above_ours(Path(place, own[""]))
            beside = beside.parent if own[""] and beside == Path(place, own[""]) else beside
            with suppress(OSError):
                if CONTROLLER in (beside / "cgroup.subtree_control").read_text().split():
                    yield beside


def _above_ours(group: Path) -> Path:
    """The group, or the one above it where it is one of these shares, or a half of one."""
    shares = (one.parent for one in (group, *group.parents) if one.name.startswith(PREFIX))
    return next(shares, group)
