"""Step 4: chunks and vectors become rows that can be searched, all or none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from psycopg import Cursor

from pipeline.steps.database import connection
from pipeline.steps.embed import Vector
from pipeline.steps.text import storable
from pipeline.steps.types import Chunk

Row = tuple[str, int, int, str, Vector]
"""document_id, position, page, text, embedding"""


def upsert_document(cursor: Cursor[Any], document_id: str, filename: str) -> None:
    """Make or refresh the document's own row. Given.

    The row stays locked until the transaction ends, so a second worker with the same document
    waits here until the first is done.
    """
    cursor.execute(
        """
        INSERT INTO documents (document_id, filename) VALUES (%s, %s)
        ON CONFLICT (document_id) DO UPDATE SET filename = excluded.filename, indexed_at = now()
        """,
        [document_id, filename],
    )


def upsert_chunks(cursor: Cursor[Any], rows: Sequence[Row]) -> None:
    """Write the rows into `chunks`; one that is there already is replaced."""
    # TODO 3.4: One statement for all rows (look for the cursor's method that takes many). A row is
    #   known by its document and position: where it exists, take over page, text and embedding.
    #   The table is in `schema.sql`, the order of a row's values in `Row`.
    raise NotImplementedError("3.4")


def delete_tail(cursor: Cursor[Any], document_id: str, count: int) -> None:
    """Remove what a longer, older version of the document left behind its first `count` chunks."""
    # TODO 3.4: Positions count from 0. Which of this document's rows lie behind the new end?
    raise NotImplementedError("3.4")


def index_document(
    document_id: str,
    filename: str,
    chunks: Sequence[Chunk],
    embeddings: Sequence[Sequence[float] | Vector],
) -> int:
    """Make `chunks` what the index holds of this document, and return how many there are.

    All of it becomes visible at once or not at all. Doing it again changes nothing.

    Args:
        chunks: with positions 0, 1, 2, …
        embeddings: one vector for each chunk, in the same order.

    Raises:
        ValueError: there are not as many vectors as chunks; nothing is written.
        psycopg.Error: the database could not be reached or refused; nothing is written.
    """
    rows: list[Row] = [
        (
            document_id,
            chunk["position"],
            chunk["page"],
            storable(chunk["text"]),
            np.asarray(embedding, dtype=np.float32),
        )
        for chunk, embedding in zip(chunks, embeddings, strict=True)
    ]
    with connection() as database:  # noqa: SIM117  (the inner one is the exercise)
        # TODO 3.4: The document, its chunks, the stale tail: one transaction around all three.
        #   Whoever searches meanwhile sees the old version or the new one, and never a mixture.
        #   The document comes first: its row is the lock that a second worker waits for.
        raise NotImplementedError("3.4")
    return len(rows)


def delete_document(document_id: str) -> None:
    """Remove the document and its chunks from the index. One that is not there is no error. Given."""
    with connection() as database:
        database.execute("DELETE FROM documents WHERE document_id = %s", [document_id])
