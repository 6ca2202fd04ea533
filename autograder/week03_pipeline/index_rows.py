"""How week 3's graders read PostgreSQL: as the same role, on connections of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import LiteralString

import numpy as np

from autograder.sdk import Run, until
from autograder.sdk.database import NAME, PUBLIC, connect, query
from autograder.week03_pipeline.vectors import Vectors

HELD_SECONDS = 15.0
"""How long the grader waits until the student's code waits for its lock."""

Row = tuple[int, int, str]
"""position, page, text"""


def chunks_of(run: Run, document_id: str, owner: str = PUBLIC) -> list[Row]:
    """The indexed chunks of an owner's document, by position."""
    text: LiteralString = (
        "SELECT position, page, text FROM chunks WHERE document_id = %s AND owner = %s ORDER BY 1"
    )
    return query(run, text, document_id, owner)


def vectors_of(run: Run, document_id: str, owner: str = PUBLIC) -> Vectors:
    """The embeddings of an owner's document, by position."""
    text: LiteralString = (
        "SELECT embedding::real[] FROM chunks WHERE document_id = %s AND owner = %s "
        "ORDER BY position"
    )
    return np.array([row[0] for row in query(run, text, document_id, owner)], dtype=np.float32)


def clear(run: Run) -> None:
    """Remove every document from the index, and its chunks with it."""
    with connect(run) as connection:
        connection.execute("DELETE FROM documents")


def waiting(run: Run) -> list[int]:
    """The student's connections that wait for a lock."""
    found = query(
        run,
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND application_name <> %s",
        NAME,
    )
    return [int(row[0]) for row in found]


@contextmanager
def held(run: Run, statement: LiteralString, *values: object) -> Iterator[None]:
    """Keep a transaction open that has run `statement`, and so keep its lock."""
    with connect(run) as connection, connection.transaction():
        connection.execute(statement, values)
        yield


def wait_for_waiting(
    run: Run, count: int, unless: Callable[[], bool] = lambda: False, seconds: float = HELD_SECONDS
) -> list[int]:
    """Wait until `count` connections wait for a lock, and return those that wait at the end."""
    until(lambda: len(waiting(run)) >= count or unless(), seconds)
    return waiting(run)
