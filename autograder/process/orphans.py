"""Ends what a student's process left behind after it had killed its guard.

The guard ends all that its command started, also daemons. Only who kills the guard itself can leave
something; it is known by the home folder in its environment. (A sandbox with a process namespace
leaves nothing in the first place.)
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil


def end_leftovers(home: Path) -> int:
    """SIGKILL every process that has `home` as its home folder. Returns how many there were."""
    ended = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("HOME") == str(home):
                process.kill()
                ended += 1
    return ended
