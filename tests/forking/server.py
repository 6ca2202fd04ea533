"""The parent of the course's processes in tests: imports libraries once, then forks for each start.

    python -m tests.forking.server SOCKET

It listens on a Unix socket. A request is its length in four bytes, with three or more descriptors
attached (standard input, output, error, and those that the guard keeps open), and then JSON:

    {"guard": ["--fd", "3", …], "command": ["-m", "celery", …], "env": {…}, "cwd": "…"}

The answer is the process id of the new guard and, once the guard has ended, its wait status, in one
line each. The guard is `bootcamp/stack/guard.py`, unchanged but for one thing: its child does not
execute the command, it becomes the command.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from autograder.process import fork_server as preload
from bootcamp.stack import guard

LENGTH = struct.Struct("!I")
MOST_DESCRIPTORS = 16
STANDARD = 3
OURS = (
    "bootcamp.stack.apps",
    "bootcamp.cli.main",
    "bootcamp.notebooks.live",
    "bootcamp.samples",
    "hypercorn.asyncio",
)
"""What lessons, notebooks and commands import besides the libraries of the pipeline."""


class Become(BaseException):
    """Unwinds the stack of a forked process, which then runs this command."""

    def __init__(self, command: list[str]) -> None:
        super().__init__(command)
        self.command = command


class Server:
    """Takes requests, forks a guard for each, and tells how it ended."""

    def __init__(self, address: Path) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        path = str(address)
        self.listener.bind(f"{path}.new")
        self.listener.listen(128)
        os.rename(f"{path}.new", path)  # noqa: PTH104 - it is there once it can be connected to
        self.running: dict[int, socket.socket] = {}
        self.wake, self.waker = os.pipe()
        for end in (self.wake, self.waker):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)

    def serve(self) -> NoReturn:
        """Work until somebody ends this process. Raises `Become` in a forked one."""
        while True:
            waits: list[Any] = [self.listener, self.wake]
            ready = select.select(waits, [], [])[0]
            if self.wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.wake, 4096)
                self.reap()
            if self.listener in ready:
                connection, _ = self.listener.accept()
                self.take(connection)

    def take(self, connection: socket.socket) -> None:
        """Read one request and start its process."""
        head, descriptors, _, _ = socket.recv_fds(connection, LENGTH.size, MOST_DESCRIPTORS)
        if len(head) == LENGTH.size and len(descriptors) > STANDARD:
            left, body = LENGTH.unpack(head)[0], b""
            while len(body) < left and (more := connection.recv(left - len(body))):
                body += more
            if len(body) == left:
                self.fork(connection, json.loads(body), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def fork(
        self, connection: socket.socket, request: dict[str, Any], descriptors: list[int]
    ) -> None:
        pid = os.fork()
        if pid:
            self.running[pid] = connection
            tell(connection, pid)
            return
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for other in (connection, self.listener, *self.running.values()):
            other.close()
        for end in (self.wake, self.waker):
            os.close(end)
        for number, descriptor in enumerate(descriptors[:STANDARD]):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        options = ["--fd", str(descriptors[STANDARD]), *request["guard"]]
        guard.become = become
        guard.main([*options, "--", *request["command"]])

    def reap(self) -> None:
        while self.running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if connection := self.running.pop(pid, None):
                tell(connection, status)
                connection.close()


def tell(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # whoever asked is gone
        connection.sendall(f"{number}\n".encode())


def become(command: list[str], user: str) -> None:
    """In the guard's child: what `guard.become` does, without `exec`."""
    guard.detach(user)
    raise Become(command)


def run(command: list[str]) -> None:
    """What `python -m module …` and `python file …` do, in this process."""
    time.tzset()
    folder = str(Path.cwd()) if command[0] == "-m" else str(Path(command[0]).resolve().parent)
    before = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    sys.path[:0] = [folder, *before]
    sys.path_importer_cache.clear()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # As Python does when it starts: else a client that closes its connection kills an API.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if "numpy.random" in sys.modules:  # `random` sees to itself after a fork
        sys.modules["numpy.random"].seed()
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


def main() -> None:
    address = Path(sys.argv[1])
    preload.LIBRARIES = (*preload.LIBRARIES, *OURS)  # type: ignore[assignment]
    preload.preload()
    # What is forked here starts its own processes here, too.
    importlib.import_module("tests.forking.client").use(address)
    try:
        Server(address).serve()
    except Become as one:
        run(one.command)


if __name__ == "__main__":
    main()
