"""The grader inside a container: `python -m autograder.classroom.execution.container_entry PROCESSES`.

Submissions come in on standard input, answers go out on standard output (`messages.py`). The
container has no folder of the host's and no network. When standard input closes, it ends.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from autograder.classroom.execution.fingerprint import versions_around
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.messages import Greeting, HandedIn, Reply
from autograder.classroom.execution.pool import run_jobs
from autograder.sandbox.tiers import Tier, can_change_user, strongest

STAMP = "in a container"
"""What the record of each result says, beside the sandbox."""


def main() -> None:
    """Say what the sandbox is, take the submissions, grade them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tier = strongest()
    incoming, outgoing = _own_streams()
    greeting = Greeting(tier=tier, own_user=can_change_user(tier), versions=versions_around())
    outgoing.write(greeting.line())
    try:
        with tempfile.TemporaryDirectory(prefix="submissions-") as folder:
            jobs = tuple(_jobs(incoming, Path(folder)))
            threading.Thread(target=_end_with, args=(incoming,), daemon=True).start()
            _grade(jobs, int(sys.argv[1]), tier, outgoing)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)  # nobody listens any more


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for us alone: what a child prints cannot pass for an answer."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return incoming, outgoing


def _jobs(incoming: BinaryIO, folder: Path) -> Iterator[Job]:
    """The jobs up to the empty line, each with its files in a folder of its own."""
    for number, line in enumerate(iter(incoming.readline, b"\n")):
        if not line:
            raise KeyboardInterrupt  # it closed before all was said
        yield HandedIn.model_validate_json(line).unpack(folder / str(number))


def _end_with(incoming: BinaryIO) -> None:
    """Stop in order once standard input closes."""
    incoming.read()
    os.kill(os.getpid(), signal.SIGINT)


def _grade(jobs: tuple[Job, ...], processes: int, tier: Tier, outgoing: BinaryIO) -> None:
    with closing(run_jobs(jobs, processes, tier)) as answers:
        for job, answer in answers:
            outgoing.write(Reply(student=job.student, answer=_stamped(answer)).line())


def _stamped(answer: Answer) -> Answer:
    return replace(answer, sandbox=f"{answer.sandbox}, {STAMP}")


if __name__ == "__main__":
    main()
