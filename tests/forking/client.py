"""Starts the course's Python processes by fork from one parent, which has imported the libraries.

An API, a worker or a program of a lesson imports for up to 2.5 seconds of CPU time before it does
anything. Where a test is not about how a process starts, it is forked from a parent that has
imported all this: `use(address)` makes `bootcamp.stack.process.Process` do so. Commands that are no
Python programs, and guards with pipes, start as ever.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from bootcamp.paths import ROOT
from bootcamp.stack.process import GUARD, Process
from tests.forking.server import LENGTH

PREFIX = [sys.executable, "-I", "-S", str(GUARD), "--fd"]


class Guard:
    """A guard that was forked. It has what `Process` uses of `subprocess.Popen`."""

    stdin = None
    stdout = None

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._heard = b""
        self.returncode: int | None = None
        self.pid = int(self._next() or 0)

    def _next(self) -> bytes:
        """The server's next line, or nothing if it has ended."""
        while b"\n" not in self._heard:
            data = self._line.recv(64)
            if not data:
                return b""
            self._heard += data
        first, _, self._heard = self._heard.partition(b"\n")
        return first

    def poll(self) -> int | None:
        return self._ended(0.0)

    def _ended(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and (self._heard or self._readable(timeout)):
                status = self._next()
                # Without a word the server is gone, and with it all that it started.
                self.returncode = os.waitstatus_to_exitcode(int(status)) if status else -9
                self._line.close()
            return self.returncode

    def _readable(self, timeout: float | None) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            return bool(selector.select(timeout))

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises `subprocess.TimeoutExpired`."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("guard", timeout or 0.0)
        return code

    def kill(self) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def launcher(address: Callable[[], Path]) -> Any:
    """Starts guards as `subprocess.Popen` does, and forks those of Python programs."""

    def launch(
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None,
        stdin: int,
        stdout: Any,
        stderr: Any,
        pass_fds: Sequence[int],
        start_new_session: bool,
    ) -> Any:
        split = argv.index("--")
        command = list(argv[split + 1 :])
        if not forks(argv, command, stdin, stdout, stderr):
            return subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=pass_fds,
                start_new_session=start_new_session,
            )
        request = {
            "guard": list(argv[len(PREFIX) + 1 : split]),
            "command": command[1:],
            "env": dict(env),
            "cwd": str(cwd or Path.cwd()),
        }
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(address()))
        null = os.open(os.devnull, os.O_RDONLY)
        body = json.dumps(request).encode()
        streams = [null, stdout.fileno(), stderr.fileno(), *pass_fds]
        socket.send_fds(line, [LENGTH.pack(len(body))], streams)
        line.sendall(body)
        os.close(null)
        return Guard(line)

    return launch


def forks(argv: Sequence[str], command: list[str], stdin: int, stdout: Any, stderr: Any) -> bool:
    """Whether a guard's command is a Python program with nothing but a log."""
    python = command[0] == sys.executable and len(command) > 1
    named = python and (command[1] == "-m" or command[1].endswith(".py"))
    logged = hasattr(stdout, "fileno") and hasattr(stderr, "fileno")
    return named and logged and stdin == subprocess.DEVNULL and "--user" not in argv


def use(address: Path) -> None:
    """From now on, this process forks what it can there."""
    Process.launch = staticmethod(launcher(lambda: address))


class ForkServer:
    """A server that is started when it is first needed, by whichever thread needs it.

    Args:
        folder: for its socket and its log.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._process: Process | None = None

    def address(self) -> Path:
        """Where it listens."""
        path = self._folder / "fork.sock"
        with self._lock:
            if self._process is None:
                self._process = self._started(path)
        return path

    def _started(self, path: Path) -> Process:
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-P", "-m", "tests.forking.server", str(path)]
        log = self._folder / "server.log"
        process = Process(command, env=env, log=log, name="fork server", cwd=ROOT)
        process.launch = subprocess.Popen
        process.start().wait_ready(path.exists)
        return process

    def children(self) -> set[psutil.Process]:
        """What it has forked, and what those processes have started."""
        if self._process is None:
            return set()
        return set(psutil.Process(self._process.pid).children(recursive=True))

    def stop(self) -> None:
        """End it and all that it started."""
        if self._process is not None:
            self._process.stop()

    @contextlib.contextmanager
    def starts(self) -> Iterator[None]:
        """Fork what can be forked, for the time of a `with` block."""
        before = Process.__dict__["launch"]
        Process.launch = staticmethod(launcher(self.address))
        try:
            yield
        finally:
            Process.launch = before
