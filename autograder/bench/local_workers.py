"""A broker and workers on this machine: for measuring, and for tests that kill one."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from autograder.classroom.execution import celery_app, signing
from autograder.classroom.execution.publisher import Publisher
from bootcamp import paths
from bootcamp.files import write_atomic
from bootcamp.stack.redis import RedisServer

STOP_SECONDS = 60.0
"""A worker may take so long to end its stack."""


class LocalWorkers:
    """Redis from the local stack, and as many workers as are started. All end with the block.

    Args:
        folder: for its data, the key and the workers' state.
        visibility: seconds until what a killed worker had is given to another one.
    """

    def __init__(self, folder: Path, visibility: int = celery_app.VISIBILITY_SECONDS) -> None:
        self.folder, self._visibility = folder, visibility
        self.key_file = folder / "grading.key"
        self.workers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        write_atomic(self.key_file, secrets.token_hex(32).encode())
        self.key_file.chmod(0o600)
        self._redis = RedisServer(self.folder / "redis", keep=False).start()
        self.broker = f"{self._redis.url}/0"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.communicate()
        self._redis.close()

    def start(self) -> subprocess.Popen[str]:
        """Start one more worker, and wait until it says that it is there."""
        words = ["--broker", self.broker, "--key-file", str(self.key_file), "--jobs", "1"]
        words += ["--visibility", str(self._visibility), "--allow-unsandboxed"]
        state = {"BOOTCAMP_STATE": str(self.folder / f"state{len(self.workers)}")}
        worker = subprocess.Popen(
            [sys.executable, "-m", "bootcamp", "grade-worker", *words],
            cwd=paths.ROOT,
            env={**os.environ, **state},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.workers.append(worker)
        assert worker.stdout  # for mypy: it is a pipe
        worker.stdout.readline()
        return worker

    def publisher(self, say: Callable[[str], object] = print) -> Publisher:
        """What grades jobs with these workers."""
        seal = signing.read_seal(self.key_file)
        app = celery_app.make_app(self.broker, seal.fingerprint)
        return Publisher(app, celery_app.connect(self.broker), seal, False, say)
