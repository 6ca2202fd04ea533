"""The measurements themselves. Runs as a program with the reference layers on its path.

`python measures.py embedding` prints `[{"what": …, "how": …, "seconds": …}, …]`; seconds are the
median of `ROUNDS` rounds in which the ways take turns.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 3
Row = dict[str, object]


def side_by_side(what: str, ways: dict[str, Callable[[], object]]) -> list[Row]:
    """Time each way in turn, round by round, and take each one's median."""
    seconds: dict[str, list[float]] = {how: [] for how in ways}
    for way in ways.values():
        way()  # connections, imports and caches count for none of them
    for _ in range(ROUNDS):
        for how, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[how].append(time.perf_counter() - started)
    return [
        {"what": what, "how": how, "seconds": statistics.median(times)}
        for how, times in seconds.items()
    ]


def embedding() -> list[Row]:
    """200 texts: a request for each, or batches."""
    from pipeline.steps.embed import embed_batch, embed_texts

    texts = [f"Buoy {number} was painted in week {number % 52}." for number in range(200)]
    return side_by_side(
        f"embed {len(texts)} texts",
        {
            "a request for each text": lambda: [embed_batch([text]) for text in texts],
            "batches (week 3)": lambda: embed_texts(texts),
        },
    )


def indexing() -> list[Row]:
    """200 chunks: a commit for each row, or one transaction."""
    import numpy as np

    from pipeline.steps.database import connection
    from pipeline.steps.index import index_document

    rng = np.random.default_rng(1)
    count = 200
    chunks: Any = [{"position": n, "page": 1, "text": f"chunk {n}"} for n in range(count)]
    vectors = rng.standard_normal((count, 1536)).astype(np.float32)

    def row_by_row() -> None:
        with connection() as database:
            database.execute("DELETE FROM documents")
            database.execute("INSERT INTO documents VALUES ('a', 'public', 'a')")
            for chunk, vector in zip(chunks, vectors, strict=True):
                database.execute(
                    "INSERT INTO chunks VALUES ('a', 'public', %s, 1, %s, %s)",
                    [chunk["position"], chunk["text"], vector],
                )

    def one_transaction() -> None:
        with connection() as database:
            database.execute("DELETE FROM documents")
        index_document("a", "public", "a", chunks, list(vectors))

    return side_by_side(
        f"index {count} chunks",
        {"a commit for each row": row_by_row, "one transaction (week 3)": one_transaction},
    )


def parsing() -> list[Row]:
    """What the safety of a child process costs: the same PDF parsed inside and outside."""
    from io import BytesIO

    from bootcamp.samples.documents import make_pdf
    from pipeline.steps.parse import parse_document
    from pipeline.steps.sandbox import parse_in_child

    data = make_pdf([f"Page {number}. " + "The harbour was calm. " * 60 for number in range(20)])
    return side_by_side(
        "parse a PDF of 20 pages",
        {
            "in the worker itself": lambda: parse_document(data, "application/pdf"),
            "in a child process with limits (week 3)": lambda: parse_in_child(
                BytesIO(data), "application/pdf"
            ),
        },
    )


def tasks() -> list[Row]:
    """Eight slow tasks on the worker that is running."""
    from pipeline.producer import enqueue_articles
    from pipeline.tasks.celery_config import app

    titles = [f"Article {number}" for number in range(8)]

    def summarise_all() -> None:
        for task_id in enqueue_articles(titles):
            app.AsyncResult(task_id).get(timeout=60, interval=0.01)

    how = f"a worker with {os.environ['SLOTS']} slot(s) (week 1)"
    return side_by_side("summarise 8 articles", {how: summarise_all})


if __name__ == "__main__":
    measures = {one.__name__: one for one in (embedding, indexing, parsing, tasks)}
    print(json.dumps(measures[sys.argv[1]]()))
