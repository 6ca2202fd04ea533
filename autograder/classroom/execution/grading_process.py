"""A grading process: takes jobs from a pipe, grades them one after the other, sends answers back.

Student code runs in processes of its own (`process/student.py`), never in this one. Each grading
process has a stack of its own, in a network of its own where the system allows that: what one
submission does to it, no neighbour feels.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

from autograder.classroom.execution.records import ItemRecord
from autograder.run.runner import run_week
from autograder.sandbox.held import Held
from autograder.sandbox.network import enter_private_network
from autograder.sandbox.share import enter_own_share
from autograder.sandbox.tiers import Tier
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import find_week
from bootcamp.errors import BootcampError
from bootcamp.ports import keep_to_block
from bootcamp.stack import Stack

OWN_NETWORK, SHARED_NETWORK = "own network", "shared network"
OWN = {
    "cpu": "own share of the processors",
    "memory": "own limit of memory",
    "pids": "own limit of processes",
}
"""What the record says of the control groups that could be made."""
GIVE_UP_SECONDS = 30.0
"""A process whose parent is gone ends itself after this, however stuck it is."""


@dataclass(frozen=True)
class Job:
    """One submission to grade."""

    student: str
    week: str
    folder: Path
    """The homework files that were taken."""
    items: tuple[str, ...]
    seed: int
    alone: bool = True
    """Whether nothing else is graded meanwhile."""


@dataclass(frozen=True)
class Answer:
    """What came of a job. `problem` says why there are no items."""

    items: tuple[ItemRecord, ...] = ()
    sandbox: str = "unknown"
    seconds: float = 0.0
    problem: str = ""
    crowded: tuple[str, ...] = ()
    """Ids of items that were late while the machine was too crowded: they have to be graded alone."""
    flags: tuple[str, ...] = ()
    """What an instructor should look at."""
    versions: dict[str, str] = field(default_factory=dict)
    """What it was graded with, where that is not what this process has."""

    @property
    def broken(self) -> bool:
        """Whether the grader broke on it: then its stack may have suffered too."""
        errors = {one.id for one in self.items if one.outcome is Outcome.GRADER_ERROR}
        return bool(self.problem or errors - set(self.crowded))


def serve(jobs: Connection, tier: Tier) -> None:
    """Grade until the pipe closes or Ctrl-C arrives."""
    os.setpgrp()  # Ctrl-C in the terminal goes to the parent, which decides when we stop
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Before any thread, and before the stack.
    around = [OWN_NETWORK if enter_private_network() else SHARED_NETWORK]
    around += [OWN[controller] for controller in enter_own_share()]
    keep_to_block()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        while True:
            with Stack() as stack:
                held = Held(stack)
                while not held.left:  # what one submission leaves is gone before the next one
                    answer = grade(jobs.recv(), stack, tier)
                    sandbox = ", ".join([answer.sandbox, *around])
                    jobs.send(replace(answer, sandbox=sandbox))
    except BootcampError as error:  # the stack did not start
        with suppress(OSError):
            jobs.send(Answer(problem=str(error)))
    except (EOFError, OSError, KeyboardInterrupt):
        pass


def grade(job: Job, stack: Stack, tier: Tier) -> Answer:
    """Grade one submission. Whatever breaks is the grader's fault, and said so."""
    started = time.monotonic()
    try:
        result = run_week(
            find_week(job.week),
            job.folder,
            items=job.items,
            stack=stack,
            seed=job.seed,
            tier=tier,
            referee=True,
            alone=job.alone,
        )
    except Exception as error:
        seconds = time.monotonic() - started
        problem = f"{type(error).__name__}: {error}"
        return Answer(sandbox=tier.value, seconds=seconds, problem=problem)
    items = tuple(map(ItemRecord.of, result.items))
    crowded = tuple(one.item.id for one in result.grader_errors if one.crowded)
    seconds = round(time.monotonic() - started, 3)
    return Answer(items, result.sandbox, seconds, crowded=crowded, flags=result.flags)


def _end_with_parent() -> None:
    """Without a parent nobody wants the answer: stop in order, and if that fails, at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(GIVE_UP_SECONDS)
        os._exit(1)
