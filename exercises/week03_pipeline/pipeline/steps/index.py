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

Row = tuple[str, str, int, int, str, Vector]
"""document_id, owner, position, page, text, embedding"""


def upsert_document(cursor: Cursor[Any], document_id: str, owner: str, filename: str) -> None:
    """Insert or update the document's own row. Given.

    The row stays locked until the transaction ends, so a second worker with the same document
    waits here until the first is done.
    """
    cursor.execute(
        """
        INSERT INTO documents (document_id, owner, filename) VALUES (%s, %s, %s)
        ON CONFLICT (document_id, owner)
        DO UPDATE SET filename = excluded.filename, indexed_at = now()
        """,
        [document_id, owner, filename],
    )


def upsert_chunks(cursor: Cursor[Any], rows: Sequence[Row]) -> None:
    """Write the rows into `chunks`. A row that exists already is replaced."""
    # TODO 3.4: Write all rows with one statement: look for the cursor's method that takes many.
    #   A row is identified by its document, owner and position. Where it exists already, replace
    #   its page, text and embedding.
    #   The table is in `schema.sql`, the order of a row's values in `Row`.
    raise NotImplementedError("3.4")


def delete_tail(cursor: Cursor[Any], document_id: str, owner: str, count: int) -> None:
    """Remove what a longer, older version of the document left behind its first `count` chunks."""
    # TODO 3.4: Delete the rows of this owner's document that lie behind the new end. Positions
    #   count from 0. Keep the rows of another owner, even if that document has the same id.
    raise NotImplementedError("3.4")


def index_document(
    document_id: str,
    owner: str,
    filename: str,
    chunks: Sequence[Chunk],
    embeddings: Sequence[Sequence[float] | Vector],
) -> int:
    """Make `chunks` what the index holds of this document, and return how many there are.

    All of it becomes visible at once or not at all. Doing it again changes nothing. A document with
    the same id that belongs to another owner stays as it is.

    Args:
        document_id: the document's id.
        owner: whom the document belongs to. Only this owner's searches find it.
        filename: its name for display.
        chunks: with positions 0, 1, 2, …
        embeddings: one vector for each chunk, in the same order.

    Raises:
        ValueError: there are not as many vectors as chunks; nothing is written.
        psycopg.Error: the database could not be reached or refused; nothing is written.
    """
    rows: list[Row] = [
        (
            document_id,
            owner,
            chunk["position"],
            chunk["page"],
            storable(chunk["text"]),
            np.asarray(embedding, dtype=np.float32),
        )
        for chunk, embedding in zip(chunks, embeddings, strict=True)
    ]
    with connection() as database:  # noqa: SIM117  (the inner one is the exercise)
        # TODO 3.4: Write the document, its chunks and the shorter tail in one transaction.
        #   A search at the same time must see the old version or the new one, and never a mixture.
        #   Write the document first: its row is the lock that a second worker waits for.
        raise NotImplementedError("3.4")
    return len(rows)


def delete_document(document_id: str, owner: str) -> None:
    """Remove the owner's document and its chunks from the index, if it is there. Given."""
    with connection() as database:
        database.execute(
            "DELETE FROM documents WHERE document_id = %s AND owner = %s", [document_id, owner]
        )
