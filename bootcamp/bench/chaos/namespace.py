"""A small disk of one's own: a tmpfs that only this process and its children see.

The mount belongs to a mount namespace. It is gone when the last process in the namespace has ended, so
nothing has to be cleaned up, even after `kill -9`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

INSIDE = "CHAOS_NAMESPACE"
"""Set in a process that was started inside of the namespace."""
MIB = 1024**2
AS_ROOT = ("unshare", "--mount")
AS_USER = ("unshare", "--user", "--map-root-user", "--mount")


def enter() -> None:
    """Start this program again in a mount namespace of its own, if the system allows it.

    It keeps its process id. Where it is not allowed, and inside of the namespace, nothing happens.
    """
    if INSIDE in os.environ or shutil.which("unshare") is None:
        return
    words = AS_ROOT if os.geteuid() == 0 else AS_USER
    probe = [*words, "mount", "-t", "tmpfs", "-o", "size=1m", "chaos", "/tmp"]  # noqa: S108
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp(words[0], [*words, *sys.orig_argv])


def small_disk(folder: Path, size: int) -> bool:
    """Mount a disk of so many bytes at a folder. False: this system does not allow it."""
    if INSIDE not in os.environ:
        return False
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = f"size={size},mode=700"
    command = ["mount", "-t", "tmpfs", "-o", options, "chaos", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
