"""Stopping a stack from outside."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from bootcamp.errors import StackError
from bootcamp.stack.state import holder, is_held, wait_until_free

STOP_SECONDS = 45.0
"""A worker may finish its task, and DynamoDB writes its state."""
KILL_SECONDS = 30.0


def stop_stack(folder: Path) -> int | None:
    """End the stack whose state is in `folder` and wait until all of it is gone.

    Returns the process that held it; None when nothing was up.

    Raises:
        StackError: it does not end.
    """
    if not is_held(folder):
        return None
    pid = holder(folder)
    if pid is None:
        raise StackError(
            f"{folder} is held, but it does not say by whom.", f"See: fuser {folder}/lock"
        )
    for signum, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass  # it is dead; its guards are still ending what it started
        except PermissionError:
            raise StackError(
                f"Process {pid} belongs to another user.", f"That user runs: kill {pid}"
            ) from None
        if wait_until_free(folder, seconds):
            return pid
    raise StackError(f"The stack of process {pid} did not end.", f"Look at it: ps -p {pid}")
