"""A grading process: takes jobs from a pipe, grades them one after the other, sends answers back.

Student code runs in processes of its own (`engine/student.py`), never in this one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from autograder.classroom.records import ItemRecord
from autograder.engine.runner import run_week
from bootcamp.stack import Stack
from bootcamp.weeks import find_week

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


@dataclass(frozen=True)
class Answer:
    """What came of a job. `problem` says why there are no items."""

    items: tuple[ItemRecord, ...] = ()
    sandbox: str = "none"
    seconds: float = 0.0
    problem: str = ""


def serve(jobs: Connection, stack_folder: Path) -> None:
    """Grade until the pipe closes or Ctrl-C arrives."""
    os.setpgrp()  # Ctrl-C in the terminal goes to the parent, which decides when we stop
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        stack = Stack.attach(stack_folder)
        while True:
            jobs.send(grade(jobs.recv(), stack))
    except (EOFError, OSError, KeyboardInterrupt):
        pass


def grade(job: Job, stack: Stack) -> Answer:
    """Grade one submission. Whatever breaks is the grader's fault, and said so."""
    started = time.monotonic()
    try:
        result = run_week(
            find_week(job.week), job.folder, items=job.items, stack=stack, seed=job.seed
        )
    except Exception as error:
        seconds = time.monotonic() - started
        return Answer(seconds=seconds, problem=f"{type(error).__name__}: {error}")
    return Answer(
        items=tuple(map(ItemRecord.of, result.items)),
        sandbox=getattr(result, "sandbox", "none"),
        seconds=round(time.monotonic() - started, 3),
    )


def _end_with_parent() -> None:
    """Without a parent nobody wants the answer: stop in order, and if that fails, at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(GIVE_UP_SECONDS)
        os._exit(1)
