"""Runs as the parent of a student's processes: imports libraries once, then forks for each of them.

Booting a worker, an API and a caller takes over a second of CPU time each, nearly all of it the same
imports. No student code runs in this process, and no grader code either: standard library only, and
handed to `python -P` as a file.

Standard input is a socket of the grader's (`fork_client.py`). A request is its length in four bytes, with up
to three descriptors attached, and then JSON:

    {"id": 1, "argv": ["-m", "celery", …], "env": {…}, "cwd": "…", "path": ["…"]}   stdin, stdout, log
    {"id": 1, "signal": 15, "group": false}

What happens is told in lines: `{"ready": true}` once; `{"id": 1, "pid": 4711}` by the new process
itself, so that the kernel vouches for it; `{"id": 1, "status": 0}`, a wait status, when it has ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
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
from typing import Any, NoReturn

LENGTH = struct.Struct("!I")
MAX_REQUEST_BYTES = 1024 * 1024
MOST_DESCRIPTORS = 4096
SHARES = sys.platform == "linux"
"""Elsewhere a process must not go on after a fork without `exec`: system libraries break there."""
STANDARD = 3
"""stdin, stdout, stderr."""
PR_SET_DUMPABLE = 4

LIBRARIES = (
    "boto3.dynamodb.conditions",
    "boto3.dynamodb.types",
    "celery.__main__",
    "celery.app.trace",
    "celery.apps.worker",
    "celery.backends.redis",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.events.snapshot",
    "celery.worker.consumer",
    "docx",
    "fastapi",
    "kombu.transport.redis",
    "numpy",
    "openai.resources.chat",
    "openai.resources.embeddings",
    "pgvector.psycopg",
    "psycopg_pool",
    "pydantic_settings",
    "pypdf",
    "redis",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.main",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""What student processes import sooner or later. A name that is not there is passed over."""


def preload() -> None:
    """Import the libraries. Objects made so far are no matter of the collector's any more, so that
    it does not touch, and so copy, memory that is shared with the parent.
    """
    gc.disable()  # a library is not garbage: looking costs a tenth of the time
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.enable()
    gc.freeze()


class Parent:
    """Takes requests, forks, and reports ends. `serve` returns in the forked processes alone."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.path = list(sys.path)
        self.running: dict[int, int] = {}  # process id -> request id
        self.wake, self.waker = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self.waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)

    def serve(self) -> list[str]:
        """Work until the grader is gone. In a forked process: returns its command."""
        while True:
            ready = select.select([self.line.fileno(), self.wake], [], [])[0]
            if self.wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.wake, 4096)
                self.reap()
            if self.line.fileno() in ready:
                request, descriptors = self.receive()
                if "signal" in request:
                    self.send_signal(request)
                elif command := self.fork(request, descriptors):
                    return command

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """The next request and its descriptors. The end of all, where there will be none."""
        try:
            head, descriptors, _, _ = socket.recv_fds(self.line, LENGTH.size, STANDARD)
            while 0 < len(head) < LENGTH.size:
                head += self.line.recv(LENGTH.size - len(head)) or self.leave()
        except OSError:
            self.leave()
        if not head:
            self.leave()
        left = LENGTH.unpack(head)[0]
        body = b""
        while len(body) < min(left, MAX_REQUEST_BYTES):
            body += self.line.recv(left - len(body)) or self.leave()
        request: dict[str, Any] = json.loads(body)
        return request, descriptors

    def fork(self, request: dict[str, Any], descriptors: list[int]) -> list[str] | None:
        """Start a process. Returns its command in it, and None here."""
        pid = os.fork()
        if pid:
            self.running[pid] = request["id"]
            for descriptor in descriptors:
                os.close(descriptor)
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        self.tell({"id": request["id"], "pid": os.getpid()})
        open_to_others(True)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        self.line.detach()
        os.closerange(STANDARD, MOST_DESCRIPTORS)
        become(request, self.path)
        command: list[str] = request["argv"]
        return command

    def send_signal(self, request: dict[str, Any]) -> None:
        """To a process that is still ours to wait for: its number can be nobody else's."""
        for pid, number in self.running.items():
            if number == request["id"]:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    (os.killpg if request["group"] else os.kill)(pid, request["signal"])

    def reap(self) -> None:
        """Collect the dead. What is left of their process groups ends with them."""
        while self.running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            end_group(pid)
            if pid in self.running:
                self.tell({"id": self.running.pop(pid), "status": status})

    def tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self.line.sendall(json.dumps(message).encode() + b"\n")

    def leave(self) -> NoReturn:
        """The grader is gone, or has had enough."""
        for pid in self.running:
            end_group(pid)
        os._exit(0)


def end_group(pid: int) -> None:
    """SIGKILL all of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def open_to_others(allowed: bool) -> None:
    """Whether processes of the same user may look into this one: trace it, read its memory, take its
    descriptors. Not into the parent, which has the line to the grader.
    """
    if SHARES:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, int(allowed), 0, 0, 0)


def become(request: dict[str, Any], path: list[str]) -> None:
    """Look like a freshly started interpreter: environment, folder, path, arguments, randomness."""
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    sys.path[:] = [*request["path"], *path]
    sys.path_importer_cache.clear()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "numpy.random" in sys.modules:  # `random` sees to itself after a fork
        sys.modules["numpy.random"].seed()


def run(command: list[str]) -> None:
    """What `python -m module …` and `python file …` do. Any other program takes our place."""
    if not SHARES:
        os.execvp(sys.executable, [sys.executable, "-P", *command])
    if command[0] == sys.executable:
        os.execvp(command[0], command)
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    line = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    open_to_others(False)
    if SHARES:
        preload()
    line.sendall(b'{"ready": true}\n')
    run(Parent(line).serve())
