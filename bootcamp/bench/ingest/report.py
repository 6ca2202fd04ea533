"""The result of the bench: tables for people, JSON for machines, and a picture."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bootcamp.bench.ingest.scaling import Accepted
from bootcamp.bench.ingest.stage import Measured

FOLDER = Path(".bootcamp/bench-ingest")
BASE = "LangChain, pypdf"
"""What the ratios compare with. If it was not measured, they compare with the first row."""
OUTSIDE = ("PostgreSQL", "DynamoDB", "Redis")
"""The services that are not our code. DynamoDB is a stand-in, written in Python."""


@dataclass
class Results:
    """All that one run has measured."""

    pages: int
    candidates: list[Measured] = field(default_factory=list)
    """The best of the rounds, for each."""
    runs: Counter[str] = field(default_factory=Counter)
    """How often each was measured."""
    workers: list[Measured] = field(default_factory=list)
    acceptance: list[Accepted] = field(default_factory=list)

    def add(self, measured: Measured) -> None:
        """Keep the better one of two measurements of the same name."""
        self.runs[measured.name] += 1
        for place, known in enumerate(self.candidates):
            if known.name == measured.name:
                self.candidates[place] = max(known, measured, key=lambda one: one.rate)
                return
        self.candidates.append(measured)

    def ratio(self, measured: Measured) -> float:
        """How many times faster than the base it is."""
        base = next((one for one in self.candidates if one.name == BASE), self.candidates[0])
        return measured.rate / base.rate


def as_json(results: Results) -> str:
    """Return everything, with the ratios."""
    rows = [
        asdict(one)
        | {
            "rate": one.rate,
            "ratio": results.ratio(one),
            "runs": results.runs[one.name],
            "cpu_per_document": one.cpu_per_document,
        }
        for one in results.candidates
    ]
    workers = [asdict(one) | {"rate": one.rate} for one in results.workers]
    acceptance = [asdict(one) for one in results.acceptance]
    return json.dumps(
        {"pages": results.pages, "rows": rows, "workers": workers, "acceptance": acceptance}
    )


def show(results: Results, console: Console) -> None:
    """Print the tables."""
    if results.candidates:
        console.print(_candidates(results))
        console.print(_cpu(results.candidates))
    if results.workers:
        few, many = results.workers
        ratio = many.rate / few.rate
        console.print(
            f"\nOne slot each, the endpoint answers after 1 s: {few.name} {few.rate:.2f} documents/s, "
            f"{many.name} {many.rate:.2f} documents/s, {ratio:.2f} times as many"
        )
    if results.acceptance:
        bare, kept, ours = results.acceptance
        for one in results.acceptance:
            console.print(
                f"100 users at {one.name}: {one.requests} documents, {one.failed} failed, "
                f"p50 {one.p50 * 1000:.1f} ms, p99 {one.p99 * 1000:.1f} ms"
            )
        console.print(
            f"p99 is {ours.p99 / bare.p99:.2f} times the bare endpoint's, "
            f"and {ours.p99 / kept.p99:.2f} times that of the one that keeps the upload"
        )


def _candidates(results: Results) -> Table:
    first = results.candidates[0]
    title = f"{first.documents} PDFs, {results.pages} pages: the best of the runs"
    table = Table(title=title, caption="docs/s: documents per second; times: as many as the first")
    for head in ("candidate", "docs/s", "times", "chunks", "runs"):
        table.add_column(head, justify="left" if head == "candidate" else "right", no_wrap=True)
    for one in results.candidates:
        ratio, runs = f"{results.ratio(one):.2f}", str(results.runs[one.name])
        table.add_row(one.name, f"{one.rate:.2f}", ratio, str(one.chunks), runs)
    return table


def _cpu(candidates: Sequence[Measured]) -> Table:
    groups = list(dict.fromkeys(name for one in candidates for name in one.cpu))
    title = "Milliseconds of processor time for one document"
    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    for head in ("candidate", *groups, "all", "not ours"):
        left = head == "candidate"  # the only one that may need two lines
        table.add_column(head, justify="left" if left else "right", no_wrap=not left)
    for one in candidates:
        used = one.cpu_per_document
        whole = sum(used.values())
        outside = sum(used.get(name, 0.0) for name in OUTSIDE) / whole if whole else 0.0
        cells = [f"{used[name] * 1000:.0f}" if name in used else "" for name in groups]
        table.add_row(one.name, *cells, f"{whole * 1000:.0f}", f"{outside:.0%}")
    return table


def draw(results: Results, path: Path) -> None:
    """Draw throughput, and processor time by group."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [one.name for one in results.candidates]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 1 + 0.6 * len(names)), sharey=True)
    bars = left.barh(names, [one.rate for one in results.candidates])
    left.bar_label(bars, [f" {results.ratio(one):.1f} x" for one in results.candidates])
    left.set_xlabel("documents per second")
    left.invert_yaxis()
    start = [0.0] * len(names)
    for group in dict.fromkeys(name for one in results.candidates for name in one.cpu):
        used = [one.cpu_per_document.get(group, 0.0) * 1000 for one in results.candidates]
        right.barh(names, used, left=start, label=group)
        start = [a + b for a, b in zip(start, used, strict=True)]
    right.set_xlabel("processor time for one document, in milliseconds")
    right.legend()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
