"""`make bench-ingest`: this pipeline and its peers take in the same PDFs, side by side in one run.

The peers are a loop in one process, as their guides write it. The pipeline runs its API, workers, Beat and
sandboxed parsers, and records each step. All of them write to the same server of PostgreSQL, which writes
through to disk, and ask the same endpoint for embeddings, which answers after 50 ms.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from rich.console import Console

from bootcamp.bench.ingest import report
from bootcamp.bench.ingest.corpus import DOCUMENTS
from bootcamp.bench.ingest.others import PEERS, measure_peer, missing, say_missing
from bootcamp.bench.ingest.ours import Form, measure_ours
from bootcamp.bench.ingest.report import FOLDER, Results, as_json, draw
from bootcamp.bench.ingest.scaling import measure_acceptance, measure_workers
from bootcamp.bench.ingest.stage import ANSWER_SECONDS, Stage, open_stage
from bootcamp.errors import BootcampError

ROUNDS = 2
OURS = "this pipeline"
SLOTS = 3


def measure_all(stage: Stage, console: Console, rounds: int, parts: str) -> Results:
    """Measure the candidates in turns, then workers and acceptance."""
    results = Results(stage.pages)
    absent = [peer for peer in PEERS if missing(peer)]
    say_missing(absent)
    form = Form(1, SLOTS)
    settings: Mapping[str, str] = {}
    with console.status("") as status:
        for number in range(rounds if "candidates" in parts else 0):
            for peer in (peer for peer in PEERS if peer not in absent):
                status.update(f"round {number + 1}: {PEERS[peer][0]}")
                results.add(measure_peer(stage, peer))
            status.update(f"round {number + 1}: {OURS}")
            results.add(measure_ours(stage, OURS, form, stage.documents, ANSWER_SECONDS))
        if "workers" in parts:
            status.update("one worker and five, while an answer takes a second")
            results.workers = measure_workers(stage, settings)
        if "acceptance" in parts:
            status.update("a hundred users at the API")
            results.acceptance = measure_acceptance(stage, settings)
    return results


def main() -> int:
    """Measure, print, draw, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bootcamp.bench.ingest", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="the best one counts")
    parser.add_argument("--parts", default="candidates,workers,acceptance")
    options = parser.parse_args()
    console = Console(stderr=options.json)
    try:
        with open_stage(options.documents) as stage:
            results = measure_all(stage, console, options.rounds, options.parts)
    except BootcampError as error:
        console.print(f"[red]{error.message}[/]\n{error.next_step}")
        return error.exit_code
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = as_json(results)
    (FOLDER / "results.json").write_text(text + "\n")
    if results.candidates:
        draw(results, FOLDER / "results.png")
    if options.json:
        print(text)
    else:
        report.show(results, console)
        console.print(f"The same as JSON and as a picture: {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
