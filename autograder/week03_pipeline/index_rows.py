"""How week 3's graders read PostgreSQL: as the same role, on connections of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import LiteralString

import numpy as np
import psycopg

from autograder.sdk import Run, until
from autograder.sdk.database import NAME, PUBLIC, connect, query
from autograder.week03_pipeline.vectors import Vectors

HELD_SECONDS = 15.0
"""How long the grader waits until the student's code waits for its lock."""

LONGEST_STATEMENT = 16_383
"""PostgreSQL shows so many bytes of a statement (`track_activity_query_size`)."""

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


def unlocked(run: Run, document_id: str) -> list[int]:
    """The positions of a document's chunks that no open transaction has changed or locked."""
    text: LiteralString = (
        "SELECT position FROM chunks WHERE document_id = %s ORDER BY 1 FOR UPDATE SKIP LOCKED"
    )
    return [row[0] for row in query(run, text, document_id)]


@contextmanager
def no_deletion(run: Run) -> Iterator[None]:
    """Let PostgreSQL refuse to delete a chunk, for as long as the block takes."""
    with connect(run) as connection:
        connection.execute(
            "CREATE FUNCTION refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no chunk can be deleted now'; END $$"
        )
        connection.execute(
            "CREATE TRIGGER no_deletion BEFORE DELETE ON chunks FOR EACH ROW "
            "EXECUTE FUNCTION refuse_deletion()"
        )
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION refuse_deletion CASCADE")


def statements_of(run: Run, pids: list[int]) -> list[str]:
    """The statements that these connections wait for, as PostgreSQL got them."""
    text: LiteralString = "SELECT query FROM pg_stat_activity WHERE pid = ANY(%s)"
    return [str(row[0]) for row in query(run, text, pids)]


def plan_of(run: Run, statement: str) -> str:
    """How PostgreSQL runs a statement with parameters, if sorting and reading whole tables are expensive.

    Returns "" for what is no statement that can be planned. It runs nothing.
    """
    with connect(run) as connection:
        try:
            for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                connection.execute("SELECT set_config(%s, 'off', false)", (setting,))
            connection.execute("SET plan_cache_mode = force_generic_plan")
            connection.execute("SET statement_timeout = '5s'")
            text = f"PREPARE shown AS {statement}"
            connection.execute(text.encode(), prepare=False, binary=True)
            found = connection.execute(
                "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'shown'"
            ).fetchall()
            values = ", ".join(["NULL"] * found[0][0])
            plan = f"EXPLAIN EXECUTE shown({values})" if values else "EXPLAIN EXECUTE shown"
            return "\n".join(str(row[0]) for row in connection.execute(plan.encode()))
        except psycopg.Error:
            return ""


def connections_so_far(run: Run) -> int:
    """How many connections were opened to this database, the graders' own included."""
    text: LiteralString = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
    return int(query(run, text)[0][0])
