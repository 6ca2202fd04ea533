"""Ends what a student's process left behind after it had killed its guard.

The guard ends all that its command started, also daemons. Only who kills the guard itself can leave
something; it is known by the home folder in its environment. (A sandbox with a process namespace
leaves nothing in the first place.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import psutil

from autograder.sandbox.memory import family

MOST_ROUNDS = 20
"""How often to look again for processes that were forked meanwhile."""


def end_leftovers(home: Path) -> None:
    """SIGKILL every process that has `home` as its home folder."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("HOME") == str(home):
                process.kill()


def end_all_but(root: int, kept: Sequence[int]) -> None:
    """SIGKILL every process below `root`, except those in `kept`, their ancestors and their children.

    Daemons are ended too, because in a sandbox their parent is the sandbox. Without one, only what is
    still below `root` is found.

    Args:
        root: the id of the process that started all others.
        kept: the ids of the processes that go on. At least one.
    """
    for _ in range(MOST_ROUNDS):
        others = _others(root, kept)
        if not others:
            break
        for one in others:
            with contextlib.suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(others, timeout=1.0)


def _others(root: int, kept: Sequence[int]) -> list[psutil.Process]:
    """List the living processes below `root` that are not related to one of `kept`."""
    spared = {root}
    for pid in kept:
        with contextlib.suppress(psutil.Error):
            one = psutil.Process(pid)
            related = (one, *one.parents(), *one.children(recursive=True))
            spared.update(process.pid for process in related)
    if spared == {root}:
        return []  # nothing is left to be kept, so a card about that follows
    return [one for one in family(root) if one.pid not in spared and _lives(one)]


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
