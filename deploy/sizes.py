"""Calculates sizes for a load from measured figures: `python deploy/sizes.py` prints a table in Markdown.

`deploy/managed_services.md` has the table. After a new measurement, change `BASE` and run
`python deploy/sizes.py --write`.
"""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).with_name("managed_services.md")
MARKS = re.compile(r"(<!-- sizes -->\n).*?(<!-- end sizes -->)", re.DOTALL)
LOADS = (10, 100, 1_000, 10_000)
"""Documents a minute."""


@dataclass(frozen=True)
class Base:
    """What was measured, for a PDF of about eight pages."""

    documents_per_second: float = 8.1
    """The whole pipeline on `cores`, with PostgreSQL, Redis and DynamoDB's stand-in on the same cores."""
    cores: int = 2
    row_writes: int = 11
    """Writes to the job's row for a document without errors."""
    row_units: int = 2
    """DynamoDB's write units for one write of a row of 1.0 to 1.3 KB."""
    index_units: int = 5
    """Write units of one write in the indexes: the whole row by owner, and keys by due time and by state."""
    messages: int = 5
    chunks: int = 36
    rows_per_connection: float = 270.0
    """Rows a second that one connection inserts while there is an HNSW index."""
    chunk_bytes: int = 15_000
    """A vector of 1,536 dimensions, its text, and its place in the HNSW index."""
    tokens: int = 7_500
    document_bytes: int = 300_000
    """Assumed, not measured: the PDF and what the steps store of it."""


BASE = Base()
HEADROOM = 0.7
"""Plan for 70 % of what was measured, because waits grow steeply near the limit."""
HEAD = (
    "| documents a minute | cores, all in | worker pods (2 cores) | DynamoDB write units/s | messages/s |"
    " chunk rows/s | connections that insert | GB of chunks a day | tokens a minute | MB/s of blobs |"
)


def line(load: int, base: Base = BASE) -> str:
    """Return the row of the table for a load in documents a minute."""
    rate = load / 60
    cores = rate * base.cores / base.documents_per_second / HEADROOM
    rows = rate * base.chunks
    cells = (
        f"{load:,}",
        f"{max(math.ceil(cores), base.cores):,}",
        f"{max(math.ceil(cores / 2), 1):,}",
        f"{math.ceil(rate * base.row_writes * (base.row_units + base.index_units)):,}",
        f"{math.ceil(rate * base.messages):,}",
        f"{math.ceil(rows):,}",
        f"{math.ceil(rows / base.rows_per_connection / HEADROOM):,}",
        f"{rows * base.chunk_bytes * 86_400 / 1e9:,.0f}",
        f"{load * base.tokens:,}",
        f"{rate * base.document_bytes / 1e6:.2g}",
    )
    return "| " + " | ".join(cells) + " |"


def table(base: Base = BASE) -> str:
    """Return the table in Markdown."""
    rule = "|" + "---:|" * HEAD.count(" |")
    return "\n".join([HEAD, rule, *(line(load, base) for load in LOADS)])


def main() -> None:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the table in the page")
    if not parser.parse_args().write:
        print(table())
        return
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(
        MARKS.sub(lambda found: f"{found[1]}{table()}\n{found[2]}", text), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
