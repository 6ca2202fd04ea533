"""Does a right solution ever fail? The reference of each week, again and again, on busy cores.

    python -m autograder.bench.repeat --times 20

Every core runs a loop that does nothing else meanwhile, so the graders' waits are tried, too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from autograder.process.fork_client import Host
from autograder.run.runner import run_week
from bootcamp.course.manifest import graded_weeks
from bootcamp.course.weeks import find_week
from bootcamp.stack import Stack

TIMES = 20


def _spin() -> None:
    while os.getppid() != 1:
        for _ in range(10**6):
            pass


@contextmanager
def busy_cores() -> Iterator[None]:
    """One process per core that never rests."""
    spinners = [
        multiprocessing.Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)
    ]
    for one in spinners:
        one.start()
    try:
        yield
    finally:
        for one in spinners:
            one.kill()
            one.join()


def main() -> int:
    """Print a line for each week. Returns 1 if anything but full marks came out."""
    parser = argparse.ArgumentParser(description="The references, again and again, on busy cores.")
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--week", action="append", help="A week; all by default.")
    arguments = parser.parse_args()
    weeks = [find_week(one) for one in arguments.week] if arguments.week else graded_weeks()
    console, failed = Console(highlight=False), 0
    with tempfile.TemporaryDirectory() as name, Stack() as stack:
        folder = Path(name)
        with Host(folder) as host, busy_cores():
            for week in weeks:
                seconds = []
                for _ in range(arguments.times):
                    started = time.monotonic()
                    result = run_week(week, week.solutions, stack=stack, host=host)
                    seconds.append(time.monotonic() - started)
                    for one in result.items:
                        if one.score < one.item.points:
                            failed += 1
                            text = one.card.text() if one.card else ""
                            console.print(f"{one.item.id} {one.outcome}\n{text}", markup=False)
                console.print(
                    f"{week}: {arguments.times} runs, {min(seconds):.1f} to {max(seconds):.1f} s"
                )
    console.print(f"{failed} items failed.")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
