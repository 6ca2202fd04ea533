"""How fast a class is graded: `make bench-grade`.

Classes of growing size, half of them correct and half with one of the known wrong solutions, are
graded as `bootcamp grade` does it, in the strongest sandbox. The table shows what a submission
costs, where the time goes, and whether the cost grows with the class.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypedDict

from rich import box
from rich.console import Console
from rich.table import Table

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.pool import run_jobs
from autograder.classroom.execution.records import Record
from autograder.sandbox.tiers import strongest
from autograder.validation.variants import build, load_variants
from bootcamp.course.weeks import Week, find_week

SIZES = (5, 15, 30)
PROCESSES = 2
WEEK = "3"


class Row(TypedDict):
    """One class: seconds in all, per submission (of wall time), and what the parts took."""

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


def measure(week: Week, size: int, console: Console) -> Row:
    """Grade a new class of this size."""
    with tempfile.TemporaryDirectory() as name, console.status(f"grading {size} submissions"):
        folder = Path(name)
        make_class(week, size, folder / "submissions")
        started = time.monotonic()
        assignment = Assignment(week, Options(folder / "submissions", folder / "out"))
        with assignment.held():
            tasks = assignment.tasks()
            steps = assignment.grade(tasks, partial(run_jobs, tier=strongest()), PROCESSES, 0)
            records = [step.record for step in steps]
            assignment.publish(assignment.grades())
        seconds = time.monotonic() - started
    return _row(size, seconds, records)


def _row(size: int, seconds: float, records: list[Record]) -> Row:
    items: dict[str, list[float]] = defaultdict(list)
    for record in records:
        for item in record.items:
            items[item.id].append(item.seconds)
    return {
        "submissions": size,
        "seconds": round(seconds, 1),
        "per_submission": round(seconds / size, 2),
        "one_alone": round(median(record.seconds for record in records), 2),
        "items": {name: round(median(times), 2) for name, times in items.items()},
        "errors": sum(bool(record.broken) for record in records),
    }


def show(rows: list[Row], console: Console) -> None:
    """The rows as a table of seconds, narrow enough for a terminal of 80 columns."""
    title = f"A class, {PROCESSES} at a time, in the sandbox {strongest()}: seconds for all,"
    title += " for each, for one alone, and in its items"
    table = Table(title=title, box=box.SIMPLE_HEAD, collapse_padding=True)
    names = list(rows[0]["items"])
    for name in ("students", "all", "each", "alone", "errors", *names):
        table.add_column(name, justify="right")
    for row in rows:
        parts = [f"{row['items'].get(name, 0):.2f}" for name in names]
        head = (row["submissions"], row["seconds"], row["per_submission"], row["one_alone"])
        table.add_row(*map(str, head), str(row["errors"]), *parts)
    console.print(table)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description="How fast a class is graded.")
    parser.add_argument("--week", default=WEEK)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    week = find_week(arguments.week)
    rows = [measure(week, size, console) for size in arguments.sizes]
    if arguments.json:
        print(json.dumps(rows))
    else:
        show(rows, console)


if __name__ == "__main__":
    main()
