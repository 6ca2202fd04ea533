"""Starts processes again that end by themselves, as `restart: unless-stopped` does in compose.

A Celery worker can end when its broker goes away while it holds a message. So workers need something
that starts them again, at a bounded rate, and says so.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from bootcamp.errors import StackError
from bootcamp.stack.process import Process

RESTARTS, WITHIN_SECONDS = 5, 60.0
"""A process that ends more often than this is given up."""
FIRST_DELAY_SECONDS = 0.5
"""Before the first restart. It doubles with each further one inside `WITHIN_SECONDS`."""
POLL_SECONDS = 0.2


class Supervisor:
    """Watches processes in a thread, for one `with` block.

    A process that was stopped by `stop()` or killed by `kill()` stays down: somebody wanted that.

    Args:
        processes: those that are watched. Each has been started.
        say: gets a sentence at each restart, and when a process is given up. It is called in the
            supervisor's thread.
    """

    def __init__(self, processes: Sequence[Process], say: Callable[[str], None]) -> None:
        self.given_up: list[Process] = []
        self._processes = list(processes)
        self._say = say
        self._ends: dict[Process, deque[float]] = {one: deque() for one in self._processes}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def watch(self, process: Process) -> None:
        """Watch one more process, which has been started."""
        self._ends[process] = deque()
        self._processes.append(process)

    def __enter__(self) -> Supervisor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            for process in list(self._processes):
                if process.ended_by_itself and process not in self.given_up:
                    self._restart(process)

    def _restart(self, process: Process) -> None:
        ends, now = self._ends[process], time.monotonic()
        ends.append(now)
        while now - ends[0] > WITHIN_SECONDS:
            ends.popleft()
        how = f"{process.name} ended with {process.returncode}"
        if len(ends) > RESTARTS:
            self.given_up.append(process)
            self._tell(process, f"{how}, {len(ends)} times within {WITHIN_SECONDS:g} s: given up")
            return
        if (
            self._stop.wait(FIRST_DELAY_SECONDS * 2 ** (len(ends) - 1))
            or not process.ended_by_itself
        ):
            return
        self._tell(process, f"{how} and is started again ({len(ends)} of {RESTARTS})")
        try:
            process.start()
        except StackError as error:  # it counts as an end, and is tried again
            self._tell(process, error.message)

    def _tell(self, process: Process, sentence: str) -> None:
        append(process.log, f"supervisor: {sentence}\n")
        self._say(f"{sentence}. Its log: {process.log}")


def append(log: Path, text: str) -> None:
    """Add a line to a process's log, which the process has open for appending as well."""
    with log.open("a") as file:
        file.write(text)
