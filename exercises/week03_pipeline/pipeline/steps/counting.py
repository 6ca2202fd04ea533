"""The first green: one SQL statement through the connection pool of the pipeline."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor

from pipeline.steps.database import connection


def count_chunks(owner: str) -> int:
    """Count the chunks of one owner in the index.

    Args:
        owner: whose chunks are counted.

    Returns:
        The number of rows of the table `chunks` that belong to this owner, over all documents.

    Raises:
        psycopg.OperationalError: PostgreSQL is unreachable.
    """
    with connection() as database:
        # TODO 3.0:
        #   a) Return the number of rows of the table `chunks` whose column `owner` has this value.
        #      Use `database.execute(statement, values)`, and `one_number` for its result.
        raise NotImplementedError("3.0")


def one_number(cursor: Cursor[Any]) -> int:
    """Return the value of a result that has one row with one column. Given to students complete."""
    [(value,)] = cursor.fetchall()
    return int(value)
