"""`make bench-ingest`: this pipeline and its peers take in the same PDFs, side by side in one run.

The peers are a loop in one process, as their guides write it. The pipeline runs its API, workers, Beat and
sandboxed parsers, and records each step. All of them write to the same server of PostgreSQL, which writes
through to disk, and ask the same endpoint for embeddings, which answers after 50 ms.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.status import Status

from bootcamp.bench.ingest import report
from bootcamp.bench.ingest.corpus import DOCUMENTS
from bootcamp.bench.ingest.others import PEERS, measure_peer, missing, say_missing
from bootcamp.bench.ingest.ours import Form, measure_ours
from bootcamp.bench.ingest.report import FOLDER, Results, as_json, draw
from bootcamp.bench.ingest.scaling import measure_acceptance, measure_workers
from bootcamp.bench.ingest.stage import ANSWER_SECONDS, Measured, Stage, open_stage
from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.errors import BootcampError

ROUNDS = 2
SLOTS = 4
"""More than cores: a slot waits for the endpoint and for disks."""
LONG = ("langchain-pypdf", "langchain-pypdfium2-hnsw", "llamaindex-pypdf")
"""Peers that take so long that one round is enough: a long run varies less."""
SEVEN_WEEKS = "weeks 1-7: pypdf, a Python per file"
PARTS = ("candidates", "workers", "acceptance")

Candidate = tuple[str, Callable[[], Measured]]


def forms(slots: int) -> dict[str, Form]:
    """Return how the pipeline is run, by the name that the table shows."""
    return {
        "this pipeline, as it is": Form(1, slots),
        "  + vector index after the load": Form(1, slots, bulk=True),
    }


def candidates(stage: Stage, peers: list[str], slots: int, number: int) -> Iterator[Candidate]:
    """Yield what is measured in one round. The long ones are measured in the first round only."""
    for peer in peers:
        if number == 0 or peer not in LONG:
            yield PEERS[peer][0], lambda peer=peer: measure_peer(stage, peer)  # type: ignore[misc]
    if number == 0:
        old = Form(1, slots, layers=reference_layers(find_week("7")))
        yield SEVEN_WEEKS, lambda: _ours(stage, SEVEN_WEEKS, old, 2)
    for name, form in forms(slots).items():
        yield name, lambda name=name, form=form: _ours(stage, name, form)  # type: ignore[misc]


def _ours(stage: Stage, name: str, form: Form, every: int = 1) -> Measured:
    return measure_ours(stage, name, form, stage.documents[::every], ANSWER_SECONDS)


def measure_all(stage: Stage, status: Status, options: argparse.Namespace) -> Results:
    """Measure the candidates in turns, then workers and acceptance."""
    results = Results(stage.pages)
    absent = [peer for peer in PEERS if missing(peer)]
    say_missing(absent)
    peers = [peer for peer in PEERS if peer not in absent]
    for number in range(options.rounds if "candidates" in options.parts else 0):
        for name, measure in candidates(stage, peers, options.slots, number):
            status.update(f"round {number + 1}: {name}")
            results.add(measure())
    if "workers" in options.parts:
        status.update("one worker and five, while an answer takes a second")
        results.workers = measure_workers(stage)
    if "acceptance" in options.parts:
        status.update("a hundred users at the API")
        results.acceptance = measure_acceptance(stage)
    return results


def main() -> int:
    """Measure, print, draw, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bootcamp.bench.ingest", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="the best one counts")
    parser.add_argument("--slots", type=int, default=SLOTS, help="slots of the pipeline's worker")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    console = Console(stderr=options.json)
    try:
        with open_stage(options.documents) as stage, console.status("") as status:
            results = measure_all(stage, status, options)
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
