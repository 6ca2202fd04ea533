"""Several grading processes side by side. One that dies or hangs costs its own job, and no other."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from autograder.classroom.execution.grading_process import Answer, Job, serve
from autograder.run.session import MAX_RUN_SECONDS
from autograder.sandbox.share import remove_empty
from autograder.sandbox.tiers import Tier

MAX_JOB_SECONDS = 5 * MAX_RUN_SECONDS
"""A grading process that takes longer is broken. A submission cannot bring it about: it is ended after
`MAX_RUN_SECONDS`, and so is the reference, and both may be run once more.
"""
STOP_SECONDS = 20.0
"""A grading process may take this long to end its student's processes and itself."""
_TICK_SECONDS = 1.0
_CONTEXT = multiprocessing.get_context("spawn")

RunJobs = Callable[[Iterable[Job], int], Generator[tuple[Job, Answer], None, None]]
"""Grades jobs, so many at a time: `run_jobs` with its tier, or the same in a container."""


class _Process:
    """One grading process and the job that it has."""

    def __init__(self, tier: Tier) -> None:
        self.pipe: Connection
        self.pipe, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=serve, args=(theirs, tier), daemon=True)
        self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.deadline = 0.0

    def take(self, job: Job) -> None:
        self.job, self.deadline = job, time.monotonic() + MAX_JOB_SECONDS
        with suppress(OSError):  # it has died: the pipe says so when it is asked for the answer
            self.pipe.send(job)

    def answer(self) -> Answer:
        """What it has to say, which is at hand.

        Raises:
            EOFError: it has died.
        """
        answer: Answer = self.pipe.recv()
        self.job = None
        return answer

    def stop(self) -> None:
        """Ask it to end. `join` waits for that."""
        if self.process.is_alive():
            self.process.terminate()

    def join(self, deadline: float) -> None:
        self.process.join(max(0.0, deadline - time.monotonic()))
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()
        remove_empty(self.process.pid or 0)


class OneByOne:
    """Grades one job after another in a grading process that is kept between them."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._running: list[_Process] = []

    def grade(self, job: Job) -> Answer:
        """Grade one submission. If the grader breaks on it, the next one gets a fresh process."""
        if not self._running:
            self._running.append(_Process(self._tier))
        (one,) = self._running
        one.take(job)
        while not _ready(self._running):
            pass
        answer = _answer(one)
        if answer.broken:
            self.close()
        return answer

    def close(self) -> None:
        """End the process and what it has started."""
        _end(self._running)
        self._running.clear()


def run_jobs(
    jobs: Iterable[Job], processes: int, tier: Tier
) -> Generator[tuple[Job, Answer], None, None]:
    """Grade all jobs, at most `processes` at a time. Yields each with its answer as it comes.

    A process on which the grader broke is replaced: the next submission gets a fresh stack. All
    end with the generator.
    """
    waiting = deque(jobs)
    running: list[_Process] = []
    try:
        while waiting or any(one.job for one in running):
            for one in running:
                if waiting and one.job is None:
                    one.take(waiting.popleft())
            while waiting and len(running) < processes:
                running.append(_Process(tier))
                running[-1].take(waiting.popleft())
            for one in _ready(running):
                job, answer = one.job, _answer(one)
                if answer.broken:
                    running.remove(one)
                    _end([one])
                if job is not None:
                    yield job, answer
    finally:
        _end(running)


def _end(processes: list[_Process]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    for one in processes:
        one.stop()
    for one in processes:
        one.join(deadline)


def _ready(running: list[_Process]) -> list[_Process]:
    """The processes that have an answer, have died, or are out of time."""
    spoke = set(wait([one.pipe for one in running], timeout=_TICK_SECONDS))
    now = time.monotonic()
    return [one for one in running if one.pipe in spoke or (one.job and now > one.deadline)]


def _answer(one: _Process) -> Answer:
    """A process's answer, or what is wrong with it."""
    try:
        if one.pipe.poll():
            return one.answer()
        return Answer(problem=f"it took more than {MAX_JOB_SECONDS:g} s")
    except (EOFError, OSError):
        one.process.join(STOP_SECONDS)
        return Answer(problem=f"the grading process died (exit code {one.process.exitcode})")
