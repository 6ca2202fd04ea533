"""Run one command, and end it and everything it started when the launcher is gone.

    python -I -S guard.py --fd N [--stop-signal N] [--grace S] [--user UID:GID] -- COMMAND...

`--fd` is one end of a socket pair; the launcher holds the other. The guard writes `pid N` to it,
at last `swept`, and reads `stop SECONDS`, `kill SIGNAL` and `killgroup SIGNAL` from it. End of file
means that the launcher is gone, however it died: the guard then ends the whole process group. It
exits as the command did, with its code or by its signal.

Standard library only, and few imports: one of these starts for every process of the stack.
"""

# ruff: noqa: SIM105 - contextlib would be one more import for each process of the stack

import os
import select
import signal
import socket
import sys
import time

POLL_SECONDS = 1.0
"""How often the guard looks whether its parent still lives: a fork may hold the socket."""
SWEEP_ROUNDS = 50
MOST_DESCRIPTORS = 4096
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def prctl(option: int, value: int) -> None:
    """Linux only, and never fatal: elsewhere the socket pair alone has to do."""
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def become(command: list[str], user: str) -> None:
    """In the child: detach, then run the command."""
    try:
        detach(user)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"cannot run {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def detach(user: str) -> None:
    """In the child: a session of its own, default signals, no descriptors of ours."""
    os.setsid()
    for number in (*STOP_SIGNALS, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    os.closerange(3, MOST_DESCRIPTORS)
    if user:
        uid, gid = (int(part) for part in user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Guard:
    """The parent's side: one loop over the launcher's socket and the signals."""

    def __init__(self, fd: int, stop_signal: int, grace: float) -> None:
        self.launcher = socket.socket(fileno=fd)
        self.stop_signal = stop_signal
        self.grace = grace
        self.parent = os.getppid()
        self.child = 0
        self.status: int | None = None
        self.deadline: float | None = None
        self.wake, self.waker = os.pipe()
        for end in (self.wake, self.waker):
            os.set_blocking(end, False)

    def start(self, command: list[str], user: str) -> None:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        signal.set_wakeup_fd(self.waker)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        # Held back until the child has its own handlers: ours would swallow a stop.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        self.child = os.fork()
        if self.child == 0:
            become(command, user)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        # The command alone may hold the pipes and the log, so that end of file means what it says.
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        try:
            self.launcher.sendall(f"pid {self.child}\n".encode())
        except OSError:
            self.stop(self.grace)

    def run(self) -> int:
        """Wait for the command's end. Returns its wait status."""
        listening: list[socket.socket | int] = [self.launcher, self.wake]
        while self.status is None:
            wait = POLL_SECONDS
            if self.deadline is not None:
                wait = max(0.0, min(wait, self.deadline - time.monotonic()))
            ready = select.select(listening, [], [], wait)[0]
            if self.wake in ready:
                self.on_signals()
            if self.launcher in ready and not self.on_message():
                listening.remove(self.launcher)
                self.stop(self.grace)
            if os.getppid() != self.parent:
                self.stop(self.grace)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self.signal_group(signal.SIGKILL)
            self.reap()
        return self.status

    def on_signals(self) -> None:
        numbers = os.read(self.wake, 256)
        if any(number in STOP_SIGNALS for number in numbers):
            self.stop(self.grace)

    def on_message(self) -> bool:
        """Obey the launcher. False once it is gone."""
        try:
            text = self.launcher.recv(4096).decode()
        except OSError:
            text = ""
        for line in text.splitlines():
            verb, _, value = line.partition(" ")
            if verb == "stop":
                self.stop(float(value))
            elif verb == "kill":
                self.signal_child(int(value))
            elif verb == "killgroup":
                self.signal_group(int(value))
        return bool(text)

    def stop(self, grace: float) -> None:
        """Ask the group to end. A second call does not move the deadline."""
        until = time.monotonic() + grace
        if self.deadline is None:
            self.signal_child(self.stop_signal)
            self.signal_child(signal.SIGCONT)
            self.deadline = until
        self.deadline = min(self.deadline, until)

    def signal_child(self, number: int) -> None:
        try:
            os.kill(self.child, number)
        except (ProcessLookupError, PermissionError):
            pass

    def signal_group(self, number: int) -> None:
        try:
            os.killpg(self.child, number)
        except (ProcessLookupError, PermissionError):
            self.signal_child(number)

    def reap(self) -> None:
        """Collect every dead child, also those that were handed to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.child:
                self.status = status

    def sweep(self) -> None:
        """Kill what the command left behind: its group, and on Linux also processes that left it."""
        try:
            os.killpg(self.child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        for _ in range(SWEEP_ROUNDS):
            self.reap()
            left = own_children()
            if not left:
                return
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            time.sleep(0.01)

    def report(self) -> None:
        try:
            self.launcher.sendall(b"swept\n")
        except OSError:
            pass


def own_children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def leave_as(status: int) -> None:
    """Exit as the command did."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        time.sleep(1)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


def main(arguments: list[str]) -> None:
    split = arguments.index("--")
    options = dict(zip(arguments[:split:2], arguments[1:split:2], strict=True))
    guard = Guard(
        fd=int(options["--fd"]),
        stop_signal=int(options.get("--stop-signal", signal.SIGTERM)),
        grace=float(options.get("--grace", "5")),
    )
    guard.start(arguments[split + 1 :], options.get("--user", ""))
    status = guard.run()
    guard.sweep()
    guard.report()
    leave_as(status)


if __name__ == "__main__":
    main(sys.argv[1:])
