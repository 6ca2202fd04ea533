"""The student's processes as the grader holds them: forked from one parent that has imported much.

`fork_server.py` is the other side. Nothing that it says decides an outcome: it reports process ids, which
the kernel vouches for on Linux, and ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from autograder.card import Card, CheckFailed
from autograder.process import fork_server, rpc_server
from autograder.sandbox.tiers import Sandbox
from bootcamp.errors import GraderError
from bootcamp.stack.process import Process, end_of_log, log_size

START_SECONDS = 30.0
"""How long a fork may take, the parent's imports included."""
END_SECONDS = 5.0
"""How long a killed process may take to be gone."""
SO_PASSCRED, SCM_CREDENTIALS = 16, 2
"""Linux: each message comes with the id of the process that sent it, as the reader sees it."""
CREDENTIALS = struct.Struct("3i")
MAX_LINE_BYTES = 4096
MAX_ODD_ENDS = 5
TAIL_LINES = 12
"""Of a log, on a card."""
STUDENT_TIME_ZONE = "Asia/Tokyo"
"""Not UTC, so that code which uses local time is seen to."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
PROGRAMS = (fork_server.__file__, rpc_server.__file__)
"""What runs in the sandbox. No grader is among them."""


class Host:
    """The parent process. Started at the first `spawn`, and again if it was killed.

    Args:
        folder: its home.
        logs: where its log is, by default its home: a folder that the student cannot write to.
        sandbox: the walls around it and all that it starts.
    """

    def __init__(
        self, folder: Path, logs: Path | None = None, sandbox: Sandbox | None = None
    ) -> None:
        self._folder = folder
        self.logs = logs or folder
        self._sandbox = sandbox or Sandbox()
        self._lock = threading.Lock()
        self._parent: _Parent | None = None
        self.ended = ""
        """Why nothing of the student's runs any more, if it was ended for good."""
        self.odd_ends: list[str] = []
        """Processes that ended by a signal which no grader had sent."""

    def start(self) -> None:
        """Start the parent, so that it imports while the grader does other things."""
        with self._lock:
            self._living()

    def await_ready(self) -> None:
        """Wait until the parent forks. One that was ready once counts, whatever became of it.

        Raises:
            GraderError: it did not come up: the sandbox or the Python in it does not work.
        """
        with self._lock:
            parent = self._living()
        parent.ready.wait(START_SECONDS)
        if not parent.came_up:
            log = parent.process.logs()[-2000:]
            raise GraderError("The sandbox for the student's processes did not start.", log)

    @property
    def pid(self) -> int:
        """The parent's process id, or its sandbox's; 0 if there is none."""
        parent = self._parent
        return parent.process.pid if parent is not None else 0

    def end(self, reason: str) -> None:
        """End all processes for good: a submission that exceeded a limit is not started again."""
        with self._lock:
            self.ended = reason
        self.stop()

    def _living(self) -> _Parent:
        if self.ended:
            raise CheckFailed(Card(got="all of its processes were ended", cause=self.ended))
        if self._parent is None or not self._parent.process.alive:
            if self._parent is not None:
                self._parent.stop()
            words = [sys.executable, "-P", fork_server.__file__]
            command = self._sandbox.command(words, programs=PROGRAMS)
            self._parent = _Parent(command, self._folder, self.logs, self.odd_ends)
        return self._parent

    def spawn(
        self,
        argv: Sequence[str],
        *,
        name: str,
        env: Mapping[str, str],
        cwd: Path,
        path: Sequence[str],
        log: str,
        pipes: bool = False,
    ) -> Forked:
        """Fork a process that runs `argv`: `-m module …` or `file …`.

        Args:
            env: its whole environment.
            path: folders in front of Python's own to import from.
            log: name of the file that gets its standard error, and its standard output unless
                `pipes`.

        Raises:
            CheckFailed: it was ended for good.
        """
        with self._lock:
            request = {"argv": [*argv], "env": {**env}, "cwd": str(cwd), "path": [*path]}
            return Forked(self._living(), name, self.logs / log, request, pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the parent and all that it started."""
        with self._lock:
            if self._parent is not None:
                self._parent.stop()
                self._parent = None


class _Parent:
    """One running `fork_server.py` and the line to it."""

    def __init__(
        self, command: Sequence[str], folder: Path, logs: Path, odd_ends: list[str]
    ) -> None:
        self._odd_ends = odd_ends
        ours, theirs = socket.socketpair()
        if sys.platform == "linux":
            ours.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
        with theirs:
            self.process = Process(
                command,
                name="student-host",
                env=base_environment(folder) | ONE_THREAD,
                cwd=folder,
                log=logs / "host.log",
                stdin=theirs.fileno(),
            ).start()
        self.line = ours
        self.ready = threading.Event()
        """Set when it is up, and when it will never be."""
        self.came_up = False
        self.forked: dict[int, Forked] = {}
        self._sending = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, request: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        body = json.dumps(request).encode()
        with self._sending, contextlib.suppress(OSError):  # it has died, and all with it
            head = fork_server.LENGTH.pack(len(body))
            if descriptors:
                socket.send_fds(self.line, [head], descriptors)
            else:
                self.line.sendall(head)
            self.line.sendall(body)

    def _listen(self) -> None:
        """Note pids and ends until the line breaks; then nothing lives any more."""
        rest = b""
        with contextlib.suppress(OSError):
            while True:
                data, ancillary, _, _ = self.line.recvmsg(
                    MAX_LINE_BYTES, socket.CMSG_SPACE(CREDENTIALS.size)
                )
                if not data or len(rest) > MAX_LINE_BYTES:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._note(line, sender(ancillary))
        self.ready.set()
        for forked in list(self.forked.values()):
            forked.ended(-signal.SIGKILL)

    def _note(self, line: bytes, pid: int | None) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = json.loads(line)
            if "ready" in message:
                self.came_up = True
                self.ready.set()
                return
            forked = self.forked[message["id"]]
            if "pid" in message:
                forked.began(pid or int(message["pid"]))
            else:
                code = os.waitstatus_to_exitcode(message["status"])
                if code < 0 and -code not in forked.sent and len(self._odd_ends) < MAX_ODD_ENDS:
                    name = signal.Signals(-code).name
                    self._odd_ends.append(f"{forked.name} ended by {name}, which no grader sent")
                forked.ended(code)

    def stop(self) -> None:
        self.process.stop(grace=0.0)
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)
        self.line.close()


def base_environment(folder: Path) -> dict[str, str]:
    """What every student process gets: nothing of ours but where programs are."""
    return {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/local/bin:/usr/bin:/bin")),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "APP_ENV": "development",
        "TZ": STUDENT_TIME_ZONE,
        "C_FORCE_ROOT": "1",  # Celery's refusal as root must not hide what is being checked
    }


def sender(ancillary: Sequence[tuple[int, int, bytes]]) -> int | None:
    """The id of the process that sent a message, where the kernel says so."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SCM_CREDENTIALS:
            pid: int = CREDENTIALS.unpack(data[: CREDENTIALS.size])[0]
            return pid
    return None


def last_lines(log: str) -> tuple[str, ...]:
    """The last lines of a log that are not blank, for a card."""
    return tuple(line for line in log.splitlines() if line.strip())[-TAIL_LINES:]


class Forked:
    """A student's process. It has what graders use of `bootcamp.stack.process.Process`.

    The fork is asked for at once, and not waited for.
    """

    def __init__(
        self, parent: _Parent, name: str, log: Path, request: Mapping[str, Any], pipes: bool
    ) -> None:
        self.name = name
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self.returncode: int | None = None
        self._parent = parent
        self._log = log
        self.sent: set[int] = set()
        """Signals that graders have sent it."""
        self._marked = 0
        self._id = len(parent.forked) + 1
        self._pid = 0
        self._began = threading.Event()
        self._ended = threading.Event()
        parent.forked[self._id] = self
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        theirs = [os.open(os.devnull, os.O_RDONLY), output, output]
        if pipes:
            os.close(theirs[0])
            theirs[0], write = os.pipe()
            read, theirs[1] = os.pipe()
            self.stdin, self.stdout = os.fdopen(write, "wb"), os.fdopen(read, "rb")
        parent.send({"id": self._id, **request}, theirs)
        for descriptor in set(theirs):
            os.close(descriptor)

    def began(self, pid: int) -> None:
        self._pid = pid
        self._began.set()

    def ended(self, code: int) -> None:
        if not self._ended.is_set():
            self.returncode = code
            self._began.set()
            self._ended.set()

    @property
    def pid(self) -> int:
        """The process's id, and its group's. Waits for the fork.

        Raises:
            GraderError: there was none in time.
        """
        if not self._began.wait(START_SECONDS):
            raise GraderError(f"{self.name} was not started.", self._parent.process.logs()[-2000:])
        return self._pid

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises `subprocess.TimeoutExpired`."""
        if not self._ended.wait(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired(self.name, timeout or 0.0)
        return self.returncode

    def kill(self, signum: int = signal.SIGKILL, *, group: bool = False) -> None:
        """Send a signal to the process, or to its whole process group at once. After its death the
        parent ends what is left of the group.
        """
        if self.alive:
            self.sent.add(int(signum))
            self._parent.send({"id": self._id, "signal": int(signum), "group": group})

    def stop(self, grace: float = END_SECONDS) -> None:
        """Ask it to stop, and kill it after `grace` seconds. Does nothing twice."""
        if self.alive and grace:
            self.kill(signal.SIGTERM)
            self.kill(signal.SIGCONT)
            self._ended.wait(grace)
        if self.alive:
            self.kill(signal.SIGKILL, group=True)
            self._ended.wait(END_SECONDS)
        for pipe in (self.stdin, self.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent input of a process that is gone
                    pipe.close()

    def logs(self) -> str:
        """The end of its log."""
        return end_of_log(self._log)

    def mark_log(self) -> None:
        """Let `recent` begin here."""
        self._marked = log_size(self._log)

    def recent(self) -> str:
        """The end of what was logged since the last `mark_log`."""
        return end_of_log(self._log, start=self._marked)
