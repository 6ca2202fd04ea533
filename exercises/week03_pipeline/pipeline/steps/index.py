"""Step 4: chunks and vectors become rows that a search finds: all of a document, or none."""

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
    """Insert or update the document's own row. Given to students complete.

    PostgreSQL locks the row until the transaction ends. So a second worker that indexes the same document
    waits here until the first has finished.
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
    """Insert the rows into the table `chunks`, or update those that exist.

    Args:
        cursor: a cursor of the transaction that writes the document.
        rows: the values of each row, in the order of `Row`.
    """
    # TODO 3.4:
    #   a) Insert every row. `cursor.executemany` runs one SQL statement for all of them.
    #      `schema.sql` has the columns, and `Row` has the order of the values.
    #   b) If a row with the same document, owner and position exists, replace its page, text and
    #      embedding, whichever of them has changed.
    raise NotImplementedError("3.4")


def delete_tail(cursor: Cursor[Any], document_id: str, owner: str, count: int) -> None:
    """Delete the chunks that an older, longer version of the document has left behind.

    Args:
        cursor: a cursor of the transaction that writes the document.
        document_id: the document.
        owner: its owner. Another owner may have a document with the same id.
        count: how many chunks the new version has.
    """
    # TODO 3.4:
    #   c) Delete the rows of this document and this owner that the new version does not have.
    #      Positions count from 0, so they begin at `count`. Pass the values as parameters, as
    #      `upsert_document` does.
    #   d) Keep the rows of other documents, and those of another owner whose document has the same
    #      id.
    raise NotImplementedError("3.4")


def index_document(
    document_id: str,
    owner: str,
    filename: str,
    chunks: Sequence[Chunk],
    embeddings: Sequence[Sequence[float] | Vector],
) -> int:
    """Replace what the index contains of this document.

    All changes become visible at once, or none of them. A second call with the same arguments changes
    nothing. A document of another owner with the same id is not changed.

    Args:
        document_id: the document's id.
        owner: the document's owner. Only this owner's searches find it.
        filename: the document's name for display.
        chunks: all chunks of the document, with positions 0, 1, 2, …
        embeddings: one vector for each chunk, in the same order.

    Returns:
        The number of chunks.

    Raises:
        ValueError: there are more chunks than vectors, or fewer. Nothing is written.
        psycopg.Error: the database is unreachable, or it rejects a row. Nothing is written.
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
        # TODO 3.4:
        #   e) Call `upsert_document`, `upsert_chunks` and `delete_tail` with one cursor
        #      (`database.cursor()`), inside one transaction (`database.transaction()`), so that a
        #      search never sees a part of the new version.
        #   f) Write the document's row first, with `storable(filename)`. The chunks refer to it,
        #      and it is the lock that a second worker waits for: change no chunk before you have
        #      it.
        #   g) Let every error of the database through. Then nothing of the new version is written.
        raise NotImplementedError("3.4")
    return len(rows)


def delete_document(document_id: str, owner: str) -> None:
    """Delete the owner's document and its chunks, if they are in the index. Given to students complete."""
    with connection() as database:
        database.execute(
            "DELETE FROM documents WHERE document_id = %s AND owner = %s", [document_id, owner]
        )
