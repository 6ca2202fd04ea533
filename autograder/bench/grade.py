"""How fast a class is graded: `make bench-grade`.

Classes of growing size, half of them correct and half with one of the known wrong solutions, are
graded as `bootcamp grade` does it, in the strongest sandbox. The table shows what a submission
costs, where the time goes, and whether the cost grows with the class. The middle class is also graded
over a broker, by one and by two workers of one process each.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypedDict

from rich import box
from rich.console import Console
from rich.table import Table

from autograder.bench.local_workers import LocalWorkers
from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.pool import RunJobs, run_jobs
from autograder.classroom.execution.publisher import AT_ONCE
from autograder.classroom.execution.records import Record
from autograder.sandbox.tiers import strongest
from autograder.validation.variants import build, load_variants
from bootcamp.course.weeks import Week, find_week

SIZES = (5, 15, 30)
PROCESSES = 2
WORKERS = (1, 2)
POOL = "pool"
WEEK = "3"


class Row(TypedDict):
    """One class: seconds in all, per submission (of wall time), and what the parts took."""

    by: str
    """Graded by the local pool, or by so many workers over a broker."""
    submissions: int
    seconds: float
    per_submission: float
    one_alone: float
    """Median of what one submission took, from its first process to its last."""
    items: dict[str, float]
    """Median seconds of each item."""
    errors: int


def make_class(week: Week, size: int, folder: Path) -> None:
    """Submissions of a class: every second one correct, the others wrong, one way after another."""
    wrong = itertools.cycle(one for one in load_variants(week) if not one.correct)
    for number in range(size):
        target = folder / f"student{number:03}"
        if number % 2:
            build(next(wrong), target)
        else:
            shutil.copytree(week.solutions, target, ignore=shutil.ignore_patterns("__pycache__"))


@contextmanager
def local_pool() -> Iterator[RunJobs]:
    """The pool of `bootcamp grade`."""
    yield partial(run_jobs, tier=strongest())


@contextmanager
def over_broker(workers: int) -> Iterator[RunJobs]:
    """So many workers of one process each, which have begun to wait."""
    with tempfile.TemporaryDirectory() as name, LocalWorkers(Path(name)) as local:
        for _ in range(workers):
            local.start()
        yield local.publisher()


def measure(
    week: Week, size: int, console: Console, run: RunJobs, processes: int, by: str = POOL
) -> Row:
    """Grade a new class of this size."""
    with tempfile.TemporaryDirectory() as name, console.status(f"grading {size} submissions"):
        folder = Path(name)
        make_class(week, size, folder / "submissions")
        started = time.monotonic()
        assignment = Assignment(week, Options(folder / "submissions", folder / "out"))
        with assignment.held():
            tasks = assignment.tasks()
            steps = assignment.grade(tasks, run, processes, 0)
            records = [step.record for step in steps]
            assignment.publish(assignment.grades())
        seconds = time.monotonic() - started
    return _row(by, size, seconds, records)


def _row(by: str, size: int, seconds: float, records: list[Record]) -> Row:
    items: dict[str, list[float]] = defaultdict(list)
    for record in records:
        for item in record.items:
            items[item.id].append(item.seconds)
    return {
        "by": by,
        "submissions": size,
        "seconds": round(seconds, 1),
        "per_submission": round(seconds / size, 2),
        "one_alone": round(median(record.seconds for record in records), 2),
        "items": {name: round(median(times), 2) for name, times in items.items()},
        "errors": sum(bool(record.broken) for record in records),
    }


def show(rows: list[Row], console: Console) -> None:
    """The rows as a table of seconds, narrow enough for a terminal of 80 columns."""
    title = f"A class in the sandbox {strongest()}: seconds for all, each, one alone, items"
    note = f"pool: {PROCESSES} processes here; a number: so many workers over a broker"
    table = Table(title=title, caption=note, box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    names = list(rows[0]["items"])
    for name in ("by", "class", "all", "each", "alone", "errors", *names):
        table.add_column(name, justify="right")
    for row in rows:
        parts = [f"{row['items'].get(name, 0):.1f}" for name in names]
        head = (
            row["by"],
            row["submissions"],
            round(row["seconds"]),
            f"{row['per_submission']:.1f}",
            f"{row['one_alone']:.1f}",
        )
        table.add_row(*map(str, head), str(row["errors"]), *parts)
    console.print(table)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description="How fast a class is graded.")
    parser.add_argument("--week", default=WEEK)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--workers", type=int, nargs="*", default=list(WORKERS))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    week = find_week(arguments.week)
    rows = []
    for size in arguments.sizes:
        with local_pool() as run:
            rows.append(measure(week, size, console, run, PROCESSES))
    size = sorted(arguments.sizes)[len(arguments.sizes) // 2]
    for count in arguments.workers:
        with over_broker(count) as run:
            rows.append(measure(week, size, console, run, AT_ONCE, str(count)))
    if arguments.json:
        print(json.dumps(rows))
    else:
        show(rows, console)


if __name__ == "__main__":
    main()
