"""A Celery worker under test, as a local process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from autograder.process import wait
from autograder.process.service import Service

READY_PROMPT = "ready."
"""What Celery logs last when it is up."""


class Worker(Service):
    """One worker node: the parent process, and the pool of processes that run tasks."""

    @staticmethod
    def command(name: str) -> list[str]:
        """What `python` is given for a worker node. Slots and all else come from the student's code."""
        quick = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        app = "pipeline.tasks.celery_config"
        return [
            "-m", "celery", "-A", app, "worker",
            "--loglevel", "INFO", "--hostname", f"{name}@%h", *quick,
        ]  # fmt: skip

    def is_ready(self) -> bool:
        """Whether the node takes work."""
        return READY_PROMPT in self.logs()

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
