"""The worker's side of the preloaded parent: starts it, sends documents, and replaces it if it dies.

Given to students complete. Each process of a worker's pool starts a parent of its own when it parses its
first document. A pool process handles one job at a time, so its parent handles one document at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import IO

from pipeline.steps import progress
from pipeline.steps.errors import ParserUnavailable
from pipeline.steps.limits import ParseLimits
from pipeline.steps.parse_parent import TOO_SLOW, UNWRITTEN
from pipeline.steps.sandbox import CHECKPOINT_SECONDS, run_fresh

START_SECONDS = 30.0
"""How long a parent may take to import its libraries, in addition to the time for the document."""
END_SECONDS = 1.0
"""How long a parent may take to end after its socket was closed."""


class Parent:
    """One preloaded parent process, and the socket to it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._socket, theirs = socket.socketpair()
        with theirs:
            # A session of its own: Ctrl+C in the terminal must not end it before the worker is done.
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-P", "-m", "pipeline.steps.parse_parent"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"},
                start_new_session=True,
            )

    @property
    def usable(self) -> bool:
        """Whether it runs, and was started by this process and not by the one that forked it."""
        return self.owner == os.getpid() and self._process.poll() is None

    def run(
        self,
        content_type: str,
        limits: ParseLimits,
        source: IO[bytes],
        output: IO[bytes],
        log: IO[bytes],
    ) -> int:
        """Let it run one child, and return the child's exit code.

        Raises:
            subprocess.TimeoutExpired: the child was killed at its deadline.
            OSError: the parent died or does not answer.
        """
        message = json.dumps([content_type, dataclasses.asdict(limits)]).encode()
        files = [file.fileno() for file in (source, output, log)]
        self._socket.settimeout(CHECKPOINT_SECONDS)
        socket.send_fds(self._socket, [message], files)
        answer = self._answer(START_SECONDS + limits.wall_seconds)
        if not answer:
            raise BrokenPipeError("the parent of the parsers has died")
        code = int(answer)
        if code == TOO_SLOW:
            raise subprocess.TimeoutExpired("the parser", limits.wall_seconds)
        return code

    def _answer(self, seconds: float) -> bytes:
        """Wait for the exit code, with a checkpoint at which the step can be stopped. Raises OSError."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self._socket.recv(64)
            except TimeoutError:
                if time.monotonic() > end:
                    raise
            progress.checkpoint()

    def close(self) -> None:
        """End it. It kills its child first, if it has one."""
        self._socket.close()
        if self.owner != os.getpid():
            return
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Parents:
    """The parent that this process uses now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._parent: Parent | None = None

    def living(self) -> Parent:
        """Return a parent that runs. Start one if there is none.

        Raises:
            OSError: this machine cannot start a process.
        """
        if self._parent is None or not self._parent.usable:
            self.drop()
            self._parent = Parent()
        return self._parent

    def drop(self) -> None:
        """End the parent, if there is one, so that the next document gets a new one."""
        parent, self._parent = self._parent, None
        if parent is not None:
            parent.close()


PARENTS = Parents()


def run_forked(
    content_type: str, limits: ParseLimits, source: IO[bytes], output: IO[bytes], log: IO[bytes]
) -> int:
    """Run the child of one document, and return its exit code. A `Runner` of the sandbox.

    Raises:
        subprocess.TimeoutExpired: the child was killed at its deadline.
        ParserUnavailable: no parent can be started, or it died while it had the document.
    """
    with PARENTS.lock:
        try:
            code = PARENTS.living().run(content_type, limits, source, output, log)
        except OSError as error:
            PARENTS.drop()
            raise ParserUnavailable from error
        except subprocess.TimeoutExpired:
            raise  # the parent itself is well
        except BaseException:  # the job was cancelled, or the task's soft time limit is over
            PARENTS.drop()
            raise
    if code == UNWRITTEN:  # until 8.7 is done, week 3's way does the work
        source.seek(0)
        return run_fresh(content_type, limits, source, output, log)
    return code
