"""Starts a stack, measures on the reference layers, prints a table (`--json` for machines).

Two ways of doing the same work alternate in one run on one machine, so their ratio means something
where their seconds do not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NotRequired, TypedDict

from rich.console import Console
from rich.table import Table

from bootcamp import paths
from bootcamp.bench.live import measure_live
from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.errors import BootcampError
from bootcamp.providers import Fault
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps, layer_environment, prepare_stores


class Row(TypedDict):
    """One measurement: the work, the way it is done, the median of its seconds."""

    what: str
    how: str
    seconds: float
    ratio: NotRequired[float]


WEEK = "3"
WORKER_NODES = 1
SLOTS = (1, 4)
TIMEOUT_SECONDS = 300
MODEL_SECONDS = 0.25
"""How long the stand-in takes for a summary here."""


def measure(run: Run, what: str, **extra: str) -> list[Row]:
    """Run one measurement of `measures.py` in a process that has the layers on its path."""
    layers = reference_layers(find_week(WEEK))
    env = layer_environment(run.environment(), layers)
    with tempfile.TemporaryDirectory() as folder:
        prepare_stores(env, layers, Path(folder, "migrate.log"))
    finished = subprocess.run(
        [sys.executable, str(paths.ROOT / "bootcamp" / "bench" / "measures.py"), what],
        env=env | extra,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    rows: list[Row] = json.loads(finished.stdout)
    return rows


def measure_slots(run: Run) -> list[Row]:
    """The same slow tasks on a worker with one slot and on one with four."""
    rows: list[Row] = []
    for slots in SLOTS:
        env = run.environment() | {"WORKER_CONCURRENCY": str(slots)}
        with Apps(env, reference_layers(find_week(WEEK))[-1:], workers=WORKER_NODES):
            rows += measure(run, "tasks", SLOTS=str(slots))
    return rows


def measure_all(console: Console) -> list[Row]:
    """Every measurement, one after another."""
    rows: list[Row] = []
    with console.status("starting the local stack") as status, Stack() as stack:
        for name in ("embedding", "indexing", "parsing"):
            status.update(f"measuring {name}")
            with stack.isolated() as run:
                rows += measure(run, name)
        status.update("measuring worker slots")
        with stack.isolated() as run:
            run.openai.script(Fault.slow(MODEL_SECONDS, times=None))
            rows += measure_slots(run)
        status.update("measuring streams and polling")
        with stack.isolated() as run:
            for row in measure_live(run):
                rows.append({"what": row["what"], "how": row["how"], "seconds": row["seconds"]})
    return rows


def with_ratios(rows: list[Row]) -> list[Row]:
    """Each row with its `ratio`: how many times faster than the first row of its group."""
    first: dict[str, float] = {}
    for row in rows:
        base = first.setdefault(row["what"], row["seconds"])
        row["ratio"] = round(base / row["seconds"], 2)
    return rows


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bootcamp.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    console = Console(stderr=options.json)
    try:
        rows = with_ratios(measure_all(console))
    except BootcampError as error:
        console.print(f"[red]{error.message}[/]\n{error.next_step}")
        return error.exit_code
    if options.json:
        print(json.dumps(rows))
        return 0
    table = Table(title="What each idea buys (median of the runs, this machine, just now)")
    for head in ("what", "how", "seconds", "times faster"):
        table.add_column(head, justify="right" if head in ("seconds", "times faster") else "left")
    for row in rows:
        table.add_row(row["what"], row["how"], f"{row['seconds']:.3f}", f"{row['ratio']}")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
