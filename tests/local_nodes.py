"""Local processes behind the interface of pytest-celery: a worker node without Docker.

pytest-celery's `CeleryTestWorker` hands everything to a container object. `LocalWorkerContainer` is
one over a process of ours, so a test that is written for the node interface runs here on a process,
and on pytest-celery's own containers where Docker is there.

Graders use `autograder.process.worker.Worker` instead: importing pytest-celery, with all that it needs,
takes more than a second, and a check is to answer within five.
Interface: https://pytest-celery.readthedocs.io/en/stable/reference/pytest_celery.api.base.html
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from celery import __version__ as celery_version
from pytest_celery import CeleryTestWorker, CeleryWorkerCluster

from bootcamp.stack.process import Process

APP = "pipeline.tasks.celery_config"
QUEUE = "celery"
LOG_LEVEL = "INFO"
READY_SECONDS = 30.0
END_SECONDS = 5.0


class LocalWorkerContainer:
    """What a node asks of its container, done on a local process.

    Args:
        env: the complete environment, with the layers on `PYTHONPATH`.
        folder: working folder, and where the log goes.
    """

    ready_prompt = "ready."

    def __init__(self, name: str, env: Mapping[str, str], folder: Path) -> None:
        self._name = name
        words = ["celery", "-A", APP, "worker", "--loglevel", LOG_LEVEL, "-Q", QUEUE]
        quick = ["--without-gossip", "--without-mingle", "--hostname", f"{name}@%h"]
        self.process = Process(
            [sys.executable, "-m", *words, *quick],
            env=env,
            cwd=folder,
            log=folder / f"{name}.log",
            name=name,
        )

    # -- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process, without waiting until it is ready."""
        self.process.start()

    def ready(self) -> bool:
        """Wait until the worker takes tasks.

        Raises:
            StackError: it ended, or was not ready in time; shows the end of its log.
        """
        prompt = self.ready_prompt
        self.process.wait_ready(lambda: prompt in self.process.logs(latest=True), READY_SECONDS)
        return True

    @property
    def status(self) -> str:
        """As Docker says it: `created`, `running` or `exited`."""
        if self.process.pid == 0:
            return "created"
        return "running" if self.process.alive else "exited"

    def reload(self) -> None:
        """Nothing to fetch: a process's status is always that of now."""

    def kill(self, signal: str | int = "SIGKILL") -> None:
        """Send a signal. After one that ends the worker, it has ended when this returns."""
        number = _number(signal)
        self.process.kill(number)
        if number in _ENDING:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)

    def restart(self, timeout: float = END_SECONDS) -> None:
        """Stop it, if it runs, within `timeout` seconds, start it and wait until it is ready."""
        self.process.stop(timeout)
        self.start()
        self.ready()

    def teardown(self) -> None:
        """End it, and whatever it started."""
        self.process.stop()

    remove = teardown

    # -- what it is --------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        """In place of a container's id: the process's."""
        return str(self.process.pid)

    def logs(self) -> str:
        """The log since the first start."""
        return self.process.logs()

    @property
    def celeryconfig(self) -> dict[str, Any]:
        """A worker brings no address that others need."""
        return {}

    def version(self) -> str:
        return str(celery_version)

    def log_level(self) -> str:
        return LOG_LEVEL

    def worker_name(self) -> str:
        return self._name

    def worker_queue(self) -> str:
        return QUEUE


_ENDING = (signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


def _number(name: str | int) -> int:
    return int(signal.Signals[name] if isinstance(name, str) else name)


def local_worker_node(name: str, env: Mapping[str, str], folder: Path) -> CeleryTestWorker:
    """A worker node on a local process, started but perhaps not ready: see `node.ready()`."""
    container = LocalWorkerContainer(name, env, folder)
    container.start()
    return CeleryTestWorker(container, None)


@contextlib.contextmanager
def local_worker_cluster(
    names: Sequence[str], env: Mapping[str, str], folder: Path
) -> Iterator[CeleryWorkerCluster]:
    """Several nodes, ready, for one `with` block."""
    nodes: list[CeleryTestWorker] = []
    try:
        nodes.extend(local_worker_node(name, env, folder) for name in names)
        cluster = CeleryWorkerCluster(*nodes)
        cluster.ready()
        yield cluster
    finally:
        for node in nodes:
            node.teardown()
