"""One run: documents are uploaded, faults happen, and everything is awaited."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from bootcamp.bench.chaos.clients import Uploads
from bootcamp.bench.chaos.collecting import Collector, Unreadable
from bootcamp.bench.chaos.faults import carry_out
from bootcamp.bench.chaos.schedule import Planned
from bootcamp.bench.chaos.stand import VISIBILITY_SECONDS, Stand
from bootcamp.bench.chaos.timeline import Happened
from bootcamp.errors import StackError

LOOK_SECONDS = 2.0
"""The shortest pause between two looks at the jobs table."""
LOOK_SHARE = 10
"""The pause is so many times as long as the last look took. A table of thousands is read less often."""
SETTLE_SECONDS = 8.0
"""After the last end, doubled work may still come: a frozen worker, a message that is redelivered."""


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    seconds: float
    accepted: int
    ended: int
    total: int


@dataclass
class Course:
    """Records what happened in a run. `interrupted` means that the user pressed Ctrl-C."""

    started: float = 0.0
    """Seconds since 1970."""
    faults: list[Happened] = field(default_factory=list)
    interrupted: bool = False
    stalled: bool = False


class Faults:
    """Carries out a schedule in the background. A fault that lasts does not hold up the next one."""

    def __init__(
        self, stand: Stand, planned: Sequence[Planned], course: Course, say: Callable[[str], None]
    ) -> None:
        self._stand, self._planned, self._course, self._say = stand, planned, course, say
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._strike, args=[one]) for one in planned]
        self._began = time.monotonic()

    def start(self) -> None:
        """Begin to count the seconds."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    @property
    def over(self) -> bool:
        """Whether all of them have happened."""
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """End the faults that last, and begin no more."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _strike(self, planned: Planned) -> None:
        wait = planned.at - (time.monotonic() - self._began)
        if self._stop.wait(max(0.0, wait)):
            return
        began = time.monotonic() - self._began
        done, detail = carry_out(self._stand, planned, self._stop)
        ended = time.monotonic() - self._began
        happened = Happened(planned.kind.value, began, ended, done, detail)
        self._course.faults.append(happened)
        self._say(happened.line)


@contextmanager
def stopping(*parts: Uploads | Faults) -> Iterator[None]:
    """Stop these at the end, whatever happens."""
    try:
        yield
    finally:
        for one in parts:
            one.stop()


def run(
    uploads: Uploads,
    faults: Faults,
    collector: Collector,
    course: Course,
    total: int,
    show: Callable[[Progress], None],
    patience: float,
) -> None:
    """Let everything happen, and wait until all jobs have ended. Ctrl-C ends it early.

    Args:
        uploads: the clients.
        faults: the schedule that is carried out.
        collector: looks at the jobs table every `LOOK_SECONDS`.
        course: gets what happens.
        total: how many documents there are.
        show: gets the progress after each look.
        patience: after the last fault, how many seconds without progress are too many.
    """
    course.started, began = time.time(), time.monotonic()
    try:
        with stopping(faults, uploads):
            uploads.start()
            faults.start()
            last, changed, took = (0, 0), began, 0.0
            while True:
                time.sleep(max(LOOK_SECONDS, LOOK_SHARE * took))
                took = look(collector)
                now = (len(uploads.accepted), len({one.job_id for one in collector.endings}))
                show(Progress(time.monotonic() - began, *now, total))
                if now != last or not faults.over:
                    last, changed = now, time.monotonic()
                if finished(uploads, faults, collector, now):
                    break
                if time.monotonic() - changed > patience:
                    course.stalled = True
                    break
        wait_for_redelivery(collector)
        time.sleep(SETTLE_SECONDS)
        look(collector)
    except KeyboardInterrupt:
        course.interrupted = True


def wait_for_redelivery(collector: Collector) -> None:
    """Wait until no message of a dead worker is left, which could still double something."""
    deadline = time.monotonic() + VISIBILITY_SECONDS + SETTLE_SECONDS
    while time.monotonic() < deadline:
        with suppress(Unreadable):
            if not collector.held:
                return
        time.sleep(LOOK_SECONDS)


def look(collector: Collector) -> float:
    """Look at the jobs table, if it answers. Returns the seconds that a look took, 0 if it failed."""
    begin = time.monotonic()
    with suppress(Unreadable):
        collector.look()
        return time.monotonic() - begin
    return 0.0


def finished(uploads: Uploads, faults: Faults, collector: Collector, now: tuple[int, int]) -> bool:
    """Whether there is nothing left to wait for."""
    accepted, ended = now
    if not (uploads.done and faults.over and ended >= accepted and not collector.open):
        return False
    try:
        return collector.undelivered == 0
    except StackError:
        return False
