"""Processes that die with their launcher.

`Process` starts a command under `guard.py`. The stack's servers, workers and the graders' student
processes are all started this way.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bootcamp.errors import StackError

GUARD = Path(__file__).with_name("guard.py")
GRACE_SECONDS = 5.0
"""How long a process may take to stop before it is killed."""
START_SECONDS = 30.0
POLL_SECONDS = 0.01
LOG_BYTES = 64 * 1024
"""How much of a log is read: a flood in it must not become a flood here."""
LARGEST_LOG = 10 * 1024 * 1024
"""A log from an earlier session that is larger than this is emptied."""
TAIL_LINES = 20
SWEPT = b"swept"
ENDING = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
"""Signals that are sent to end a process."""


class Process:
    """One command, its log, and a firm hold on it.

    Args:
        argv: the command.
        env: the complete environment; nothing is inherited.
        log: file that gets standard error, and standard output unless `stdout` says otherwise.
        name: what messages call it.
        stdin, stdout: `subprocess.PIPE` to talk to it; `.stdin` and `.stdout` are binary files.
            Standard output may go to an open file, too.
        stop_signal: what asks it to stop.
        grace: seconds between that and the kill, also when the launcher dies.
        user: `(uid, gid)` to run as; root only.
        hold: descriptors that the guard keeps open, not the command: locks that mean "alive".
    """

    launch: Callable[..., subprocess.Popen[bytes]] = staticmethod(subprocess.Popen)  # type: ignore[assignment]  # typed for text
    """Starts a guard. Tests replace it: they fork from a parent that has imported the libraries."""

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str],
        log: Path,
        name: str = "",
        cwd: Path | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        stop_signal: int = signal.SIGTERM,
        grace: float = GRACE_SECONDS,
        user: tuple[int, int] | None = None,
        hold: Sequence[int] = (),
    ) -> None:
        self.argv = [os.fspath(word) for word in argv]
        self.env = dict(env)
        self.log = log
        self.name = name or Path(self.argv[0]).name
        self.cwd = cwd
        self._stdin = stdin
        self._stdout = stdout
        self._stop_signal = stop_signal
        self._grace = grace
        self._user = user
        self._hold = tuple(hold)
        self._guard: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._heard = b""
        self._pid = 0
        self._log_start = 0
        self._wanted = False

    def start(self) -> Self:
        """Start the command. A process that ended may be started again.

        Raises:
            StackError: the guard did not start.
        """
        if self.alive:
            return self
        self._wanted = True
        ours, theirs = socket.socketpair()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = log_size(self.log)
        if self._guard is None and self._log_start > LARGEST_LOG:
            self.log.unlink()
            self._log_start = 0
        with theirs, self.log.open("ab") as log:
            self._guard = self.launch(
                self._guard_argv(theirs.fileno()),
                env=self.env,
                cwd=self.cwd,
                stdin=self._stdin,
                stdout=log if self._stdout is None else self._stdout,
                stderr=log,
                pass_fds=(theirs.fileno(), *self._hold),
                start_new_session=True,
            )
        self._line = ours
        self._pid = self._read_pid(ours)
        return self

    def _guard_argv(self, fd: int) -> list[str]:
        options = ["--fd", str(fd), "--stop-signal", str(int(self._stop_signal))]
        options += ["--grace", str(self._grace)]
        if self._user:
            options += ["--user", f"{self._user[0]}:{self._user[1]}"]
        return [sys.executable, "-I", "-S", str(GUARD), *options, "--", *self.argv]

    def _read_pid(self, line: socket.socket) -> int:
        line.settimeout(START_SECONDS)
        try:
            self._heard = line.recv(64)
        except OSError:
            self._heard = b""
        line.settimeout(None)
        words = self._heard.partition(b"\n")[0].split()
        if len(words) != 2:
            self._close()
            raise StackError(f"{self.name} could not be started.{self._tail()}")
        return int(words[1])

    @property
    def pid(self) -> int:
        """The command's own process id, and its group's; not the guard's. 0 before start."""
        return self._pid

    @property
    def guard_pid(self) -> int:
        """The guard's process id; 0 before start."""
        return self._guard.pid if self._guard else 0

    @property
    def stdin(self) -> IO[bytes] | None:
        return self._guard.stdin if self._guard else None

    @property
    def stdout(self) -> IO[bytes] | None:
        return self._guard.stdout if self._guard else None

    @property
    def returncode(self) -> int | None:
        """Exit code, `-N` when signal N ended it, None while it runs."""
        return self._guard.poll() if self._guard else None

    @property
    def alive(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    @property
    def ended_by_itself(self) -> bool:
        """Whether it has ended, and neither `stop` nor `kill` was called since its start."""
        return self._wanted and not self.alive

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises `subprocess.TimeoutExpired`."""
        if self._guard is None:
            raise StackError(f"{self.name} has not been started.")
        return self._guard.wait(timeout)

    def kill(self, signum: int = signal.SIGKILL, *, group: bool = False) -> None:
        """Send a signal to the command, or to its whole process group at once.

        After the command's death the guard ends what is left of the group.
        """
        if signum in ENDING:
            self._wanted = False
        self._tell(f"{'killgroup' if group else 'kill'} {int(signum)}")

    def stop(self, grace: float | None = None) -> int | None:
        """Stop it and everything it started. Returns the exit code; does nothing twice."""
        self._wanted = False
        if self._guard is None:
            return None
        seconds = self._grace if grace is None else grace
        if self.alive:
            self._tell(f"stop {seconds}")
            try:
                self._guard.wait(seconds + GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._kill_hard(self._guard)
        if not self._swept():
            self._kill_hard(
                self._guard
            )  # the guard itself was killed: what the command started may live
        self._close()
        return self._guard.returncode

    def _tell(self, message: str) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):  # the guard is gone, and the command with it
                self._line.sendall(f"{message}\n".encode())

    def _swept(self) -> bool:
        """Whether the guard said, as its last word, that nothing is left."""
        if self._line is None:
            return True  # asked and answered before
        self._line.setblocking(False)
        with contextlib.suppress(OSError):
            self._heard += self._line.recv(64)
        return SWEPT in self._heard

    def _kill_hard(self, guard: subprocess.Popen[bytes]) -> None:
        guard.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        guard.wait()

    def _close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        for pipe in (self.stdin, self.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent input of a process that is gone
                    pipe.close()

    def logs(self, limit: int = LOG_BYTES, *, latest: bool = False) -> str:
        """The last `limit` bytes of the log; with `latest`, only what came since the last start."""
        return end_of_log(self.log, limit, self._log_start if latest else 0)

    def _tail(self) -> str:
        lines = self.logs(8192, latest=True).splitlines()[-TAIL_LINES:]
        return "\nThe end of its log:\n" + "\n".join(lines) if lines else " Its log is empty."

    def wait_ready(self, probe: Callable[[], bool], timeout: float = START_SECONDS) -> None:
        """Call `probe` until it returns True.

        Raises:
            StackError: the process ended (at once), or the time is up. Shows the end of the log.
        """
        deadline = time.monotonic() + timeout
        while True:
            if not self.alive:
                raise StackError(f"{self.name} ended with {self.returncode}.{self._tail()}")
            if probe():
                return
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready in {timeout:.0f} s.{self._tail()}")
            time.sleep(POLL_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def end_of_log(log: Path, limit: int = LOG_BYTES, start: int = 0) -> str:
    """The last `limit` bytes of a log, and nothing of its first `start` bytes."""
    try:
        with log.open("rb") as file:
            file.seek(max(start, log_size(log) - limit))
            return file.read(limit).decode(errors="replace")
    except FileNotFoundError:
        return ""


def log_size(log: Path) -> int:
    """How many bytes a log has; 0 if there is none yet."""
    return log.stat().st_size if log.exists() else 0
