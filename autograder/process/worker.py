"""A Celery worker under test, as a local process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from autograder.process import wait
from autograder.process.fork_client import Forked, last_lines

READY_SECONDS = 20.0
READY_PROMPT = "ready."
"""What Celery logs last when it is up."""


class Worker:
    """One worker node: the parent process, and the pool of processes that run tasks."""

    def __init__(self, process: Forked, name: str) -> None:
        self.process = process
        self.name = name

    @staticmethod
    def command(name: str) -> list[str]:
        """What `python` is given for a worker node. Slots and all else come from the student's code."""
        quick = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        app = "pipeline.tasks.celery_config"
        return [
            "-m", "celery", "-A", app, "worker",
            "--loglevel", "INFO", "--hostname", f"{name}@%h", *quick,
        ]  # fmt: skip

    @property
    def alive(self) -> bool:
        """Whether the node's parent process runs."""
        return self.process.alive

    def wait_ready(self) -> bool:
        """Wait until the node takes work; false if it ends or takes too long."""
        wait.until(lambda: READY_PROMPT in self.logs() or not self.alive, READY_SECONDS)
        return self.alive and READY_PROMPT in self.logs()

    def logs(self) -> str:
        """All that the node has logged so far."""
        return self.process.logs()

    def recent(self) -> str:
        """What it has logged since the running test began."""
        return self.process.recent()

    def tail(self) -> tuple[str, ...]:
        """The last lines that it has logged since the test began, for a card."""
        return last_lines(self.recent())

    def pool(self) -> list[psutil.Process]:
        """The pool's processes, oldest first."""
        try:
            children = psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []
        return sorted(children, key=lambda child: child.create_time())

    def kill_pool(self) -> int:
        """SIGKILL every pool process; the node itself lives on. Returns how many died."""
        children = self.pool()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        return len(children)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While this lasts, the node takes no message: a broker without a worker."""
        node = psutil.Process(self.process.pid)  # gone: `fault_attribution.py` makes a card of that
        node.suspend()
        wait.until(lambda: node.status() == psutil.STATUS_STOPPED, 2.0)
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):
                node.resume()

    def kill(self) -> None:
        """SIGKILL the whole node."""
        self.process.kill(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the node to finish what it does and end."""
        self.process.stop(grace=5.0)
