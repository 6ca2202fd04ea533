"""PostgreSQL: the schema, and this process's connections. Given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pgvector.psycopg import register_vector
from psycopg import Connection
from psycopg_pool import ConnectionPool
from pydantic_settings import BaseSettings

SCHEMA = Path(__file__).with_name("schema.sql")
SCHEMA_LOCK = 0x6368756E6B73
"""Key of the advisory lock: two processes must not make the same tables at the same time."""
MAX_CONNECTIONS = 2
WAIT_SECONDS = 5.0
"""How long a task waits for a connection before it fails with `psycopg_pool.PoolTimeout`."""
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 300
"""Long: a worker may wait for another that is writing the same document, about 250 chunks a second."""

POOL_ARGUMENTS: dict[str, Any] = {
    "autocommit": True,  # a transaction is where the code says so
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "pipeline",
}


class DatabaseSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    database_url: str
    """`postgresql://user:password@host:port/database`"""


def database_url() -> str:
    """Where PostgreSQL is."""
    return DatabaseSettings().database_url  # type: ignore[call-arg]


def ensure_schema(connection: Connection[Any]) -> None:
    """Make tables and index unless they are there. Safe when many processes do it at once."""
    # Asking first costs one look. `CREATE INDEX IF NOT EXISTS` would wait for every writer.
    sign = "SELECT to_regclass('chunks_embedding') IS NOT NULL"
    if connection.execute(sign).fetchone() == (True,):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
        if connection.execute(sign).fetchone() == (False,):
            connection.execute(SCHEMA.read_bytes())


def _configure(connection: Connection[Any]) -> None:
    ensure_schema(connection)
    register_vector(connection)
    connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")


@cache
def _pool(pid: int) -> ConnectionPool[Connection[Any]]:
    return ConnectionPool(
        database_url(),
        min_size=0,
        max_size=MAX_CONNECTIONS,
        timeout=WAIT_SECONDS,
        kwargs=POOL_ARGUMENTS,
        configure=_configure,
        check=ConnectionPool.check_connection,  # the server may have been restarted
        open=True,
    )


@contextmanager
def connection() -> Iterator[Connection[Any]]:
    """A connection of this process's pool, in autocommit mode, with the schema in place.

    The pool is made at first use, so after the fork: a socket shared by two processes mixes up
    their answers.

    Raises:
        psycopg.OperationalError: no connection within `WAIT_SECONDS`, or it broke.
    """
    with _pool(os.getpid()).connection() as one:
        yield one
