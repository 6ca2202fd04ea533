"""pytest-celery's nodes as processes of this machine, for a machine without Docker.

Given to students complete. pytest-celery hands everything that a node does to a container object. The classes
here are such objects, so a test that is written for pytest-celery's interface runs on both.

Every worker is forked from one process, the node parent, which has imported Celery and the task. It is
started before the first test, so a worker knows nothing of what a test has changed in its own process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from celery import Celery
from celery import __version__ as celery_version

PRELOADED = (
    "celery.app.trace",
    "celery.apps.worker",
    "celery.backends.redis",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.events.snapshot",
    "celery.worker.consumer",
    "kombu.transport.redis",
)
"""Modules that a worker needs."""
QUEUE = "celery"
LOG_LEVEL = "INFO"
READY = "ready."
READY_SECONDS = 20.0
END_SECONDS = 5.0
POLL_SECONDS = 0.02


def preload() -> None:
    """Import what a worker needs, so that a worker that is forked has it at once."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # the garbage collector of a worker leaves this memory alone, so it stays shared


class NodeParent:
    """The process that forks the workers.

    Args:
        read_source: returns the source of the task. It is called in that process alone.
    """

    def __init__(self, read_source: Callable[[], str]) -> None:
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            try:
                _serve(theirs, read_source())
            finally:
                os._exit(0)
        theirs.close()
        self._socket = ours.makefile("rw")
        self._socket.readline()  # it has read the source

    def start(self, name: str, queue: str, log: Path, config: dict[str, Any]) -> int:
        """Start a worker, and return its process id."""
        order = {"name": name, "queue": queue, "log": str(log), "config": config}
        self._socket.write(json.dumps(order) + "\n")
        self._socket.flush()
        return int(self._socket.readline())


def _serve(orders: socket.socket, source: str) -> None:
    """Fork workers until the tests have ended, and then kill those that still run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps workers that have ended
    preload()
    module = types.ModuleType("invoices")
    sys.modules[module.__name__] = module
    exec(compile(source, "invoices.py", "exec"), module.__dict__)  # noqa: S102 - the task to test
    workers = []
    stream = orders.makefile("rw")
    stream.write("ready\n")
    stream.flush()
    for line in stream:
        worker = os.fork()
        if worker == 0:
            os.setsid()
            orders.close()
            _work(json.loads(line))
        workers.append(worker)
        stream.write(f"{worker}\n")
        stream.flush()
    for worker in workers:
        _kill(worker, signal.SIGKILL)


def _work(order: dict[str, Any]) -> None:
    """Run one worker in this process, until it is told to stop."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
            os.dup2(file, number)
        os.closerange(3, 64)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
        app = Celery("invoices")
        app.conf.update(order["config"])
        words = ["worker", "-Q", order["queue"], "-n", f"{order['name']}@%h", "-l", LOG_LEVEL]
        words += ["-f", order["log"]]
        quick = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        app.worker_main([*words, "-c", "2", *quick])
    finally:
        os._exit(0)


def _kill(worker: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker, number)


class LocalWorkerContainer:
    """What a worker node asks of its container, done on a process."""

    def __init__(self, parent: NodeParent, log: Path, config: dict[str, Any]) -> None:
        self._parent, self._log, self._config = parent, log, config
        self._pid = 0
        self._start()

    def _start(self) -> None:
        self._seen = len(self.logs())
        self._pid = self._parent.start(self.worker_name(), QUEUE, self._log, self._config)

    @property
    def status(self) -> str:
        """As Docker says it: `running` or `exited`."""
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return "exited"
        return "running"

    def ready(self) -> bool:
        """Wait until the worker takes tasks."""
        deadline = time.monotonic() + READY_SECONDS
        while READY not in self.logs()[self._seen :]:
            if time.monotonic() > deadline or self.status == "exited":
                raise RuntimeError(f"The worker did not get ready:\n{self.logs()}")
            time.sleep(POLL_SECONDS)
        return True

    def kill(self, signal: str | int = "SIGKILL") -> None:
        """Send a signal to the worker and its pool. Wait until it has ended if the signal ends it."""
        _kill(self._pid, _number(signal))
        deadline = time.monotonic() + END_SECONDS
        while _number(signal) in ENDING and self.status == "running":
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)

    def restart(self, timeout: float = END_SECONDS) -> None:
        """Start it again, after it was stopped if it ran, and wait until it is ready."""
        if self.status == "running":
            self.kill("SIGTERM")
        self._start()
        self.ready()

    def teardown(self) -> None:
        """End it at once: the test is over."""
        self.kill("SIGKILL")

    def reload(self) -> None:
        """Do nothing: the status of a process is always that of now."""

    remove = teardown

    def logs(self) -> str:
        """Return the log since the first start."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def name(self) -> str:
        return self.worker_name()

    @property
    def id(self) -> str:
        return str(self._pid)

    @property
    def celeryconfig(self) -> dict[str, Any]:
        return {}

    def version(self) -> str:
        return str(celery_version)

    def log_level(self) -> str:
        return LOG_LEVEL

    def worker_name(self) -> str:
        return "local"

    def worker_queue(self) -> str:
        return QUEUE


ENDING = (signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


def _number(name: str | int) -> int:
    return int(signal.Signals[name] if isinstance(name, str) else name)


class LocalRedis:
    """What a broker or backend node asks of its container: a database of a server that runs already."""

    status = "running"
    name = id = "redis"

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url, decode_responses=True)
        self._url = url

    @property
    def celeryconfig(self) -> dict[str, Any]:
        return {"url": self._url, "host_url": self._url}

    def ready(self) -> bool:
        return bool(self.client.ping())

    def clear(self) -> None:
        """Delete everything in the database."""
        self.client.flushdb()

    def logs(self) -> str:
        return ""

    def reload(self) -> None:
        """Do nothing."""

    def teardown(self) -> None:
        self.client.close()
