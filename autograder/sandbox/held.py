"""What the servers and the grading process hold for a submission: their memory, and the stack's folder.

A submission can make all of them grow: objects in S3, tables, temporary files, logs, journals, and whatever a
grader reads. Each has a limit of its own. This one adds up what they hold together, so that it holds for
what nobody has thought of too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import psutil

from autograder.sandbox.disk import BLOCK_BYTES, entries
from autograder.sandbox.memory import resident, share
from bootcamp import bounds
from bootcamp.stack import Stack


class Held:
    """What has come on top of what a stack and this process held when this object was made."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._memory, self._disk = self._memory_now(share), self._disk_now()

    def too_much(self) -> str:
        """Why they hold more than a submission may make them hold, or ""."""
        most = bounds.MAX_HELD_MEMORY_BYTES
        # The first sum counts shared memory several times, but takes far less work.
        if all(self._memory_now(look) - self._memory > most for look in (resident, share)):
            return f"it made the services take more than {most // bounds.MIB:,} MiB of memory"
        most = bounds.MAX_HELD_DISK_BYTES
        if self._disk_now() - self._disk > most:
            return (
                f"it filled the disk with more than {most // bounds.MIB:,} MiB through the services"
            )
        return ""

    @property
    def left(self) -> bool:
        """Whether so much is left that nobody else should get this stack."""
        grown = self._memory_now(share) - self._memory, self._disk_now() - self._disk
        return max(grown) > bounds.MAX_LEFT_BYTES

    def _memory_now(self, look: Callable[[psutil.Process], int]) -> int:
        """This process and what it started, such as Playwright's driver, and the servers."""
        found = {psutil.Process(), *psutil.Process().children()}
        for name, pid in self._stack.endpoints.server_pids.items():
            with suppress(psutil.Error):
                found.add(psutil.Process(pid))
                found |= set(psutil.Process(pid).children() if name == "postgres" else ())
        return sum(map(look, found))

    def _disk_now(self) -> int:
        size = 0
        for entry, _ in entries(self._stack.path):
            with suppress(OSError):
                size += entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
        return size
