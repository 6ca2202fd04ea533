"""A process of the student's that serves until it is ended: a worker, an API."""

from __future__ import annotations

from autograder.process import wait
from autograder.process.fork_client import Forked, last_lines

READY_SECONDS = 20.0


class Service:
    """What graders do with every service. `is_ready` says whether it serves yet."""

    def __init__(self, process: Forked, name: str) -> None:
        self.process = process
        self.name = name

    def is_ready(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    def wait_ready(self) -> bool:
        """Wait until it serves; false if it ends or takes too long."""
        wait.until(lambda: not self.alive or self.is_ready(), READY_SECONDS)
        return self.alive and self.is_ready()

    @property
    def alive(self) -> bool:
        """Whether its process runs; of a worker, the node's parent process."""
        return self.process.alive

    def logs(self) -> str:
        """All that it has logged so far."""
        return self.process.logs()

    def recent(self) -> str:
        """What it has logged since the running test began."""
        return self.process.recent()

    def tail(self) -> tuple[str, ...]:
        """The last lines that it has logged since the test began, for a card."""
        return last_lines(self.recent())

    def kill(self) -> None:
        """SIGKILL its process; of a worker, the whole node."""
        self.process.kill()
