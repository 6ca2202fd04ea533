"""Loads many documents at once: the vector index is built after them, and not row by row.

Given to students complete. `python -m pipeline.bulk_load begin`, then send the documents, then `… end`. An
HNSW index makes the insert of a row about thirty times as expensive, and building it once over all rows takes
a fifth of that. In between, searches stay right: PostgreSQL reads all rows of the table, which is exact, and
takes longer the more rows there are. Documents that other clients send meanwhile are loaded like all others.

If `end` is never run, searches stay slow. So `end` can be repeated, also after a build that was interrupted.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import psycopg
from psycopg import Connection

from pipeline.steps.database import CONNECT_SECONDS, database_url

INDEX = "chunks_embedding"
"""The name that `schema.sql` gives to the vector index."""
BUILD = f"CREATE INDEX CONCURRENTLY {INDEX} ON chunks USING hnsw (embedding vector_cosine_ops)"
"""The same index as in `schema.sql`. `CONCURRENTLY`: documents are indexed while it is built."""
DROP = f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}"
"""`CONCURRENTLY`: searches go on while it waits for those that use the index."""
ALONE = "SELECT pg_try_advisory_lock(hashtext('pipeline.bulk_load'))"
BUILD_MEMORY = "512MB"
"""The memory that a build may take. A graph that does not fit is built several times slower. 512 MB are
enough for about 70,000 vectors of 1,536 numbers."""
LOCK_SECONDS = 10
"""How long a command waits for transactions that use the table, before it fails."""


def begin(database: Connection[Any]) -> None:
    """Drop the vector index. Does nothing if there is none.

    Raises:
        psycopg.errors.LockNotAvailable: a transaction has used the table for longer than `LOCK_SECONDS`.
    """
    database.execute(DROP)


def end(database: Connection[Any]) -> None:
    """Build the vector index over all rows. Does nothing if a valid one exists.

    Raises:
        psycopg.Error: the build failed. Run it again.
    """
    if state(database):
        return
    database.execute(DROP)  # an interrupted build leaves an index that is updated, but never used
    database.execute(f"SET maintenance_work_mem = '{BUILD_MEMORY}'")
    # The vectors are stored beside the table's own pages, so to PostgreSQL the table looks too small.
    database.execute("SET min_parallel_table_scan_size = 0")
    database.execute(BUILD)


def state(database: Connection[Any]) -> bool | None:
    """Return whether the vector index is valid. None: there is no such index."""
    statement = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    found = database.execute(statement, [INDEX]).fetchone()
    return None if found is None else bool(found[0])


def main() -> int:
    """`python -m pipeline.bulk_load begin` or `end`. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.bulk_load", description=__doc__)
    parser.add_argument("moment", choices=["begin", "end"])
    moment = parser.parse_args().moment
    try:
        with psycopg.connect(
            database_url(), autocommit=True, connect_timeout=CONNECT_SECONDS
        ) as database:
            database.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
            if database.execute(ALONE).fetchone() != (True,):
                print("Another bulk load is at work. Wait until it has ended.", file=sys.stderr)
                return 1
            (begin if moment == "begin" else end)(database)
    except psycopg.Error as error:
        print(f"The vector index was not changed: {error}", file=sys.stderr)
        return 1
    print("There is no vector index now." if moment == "begin" else "The vector index is built.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
