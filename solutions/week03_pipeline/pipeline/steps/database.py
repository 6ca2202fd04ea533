"""This process's connections to PostgreSQL. `pipeline.migrate` has created the tables. Given."""

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
"""What the migration `m0301_documents` executes."""
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


def _configure(connection: Connection[Any]) -> None:
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
    """A connection of this process's pool, in autocommit mode.

    The pool is made at first use, so after the fork: a socket shared by two processes mixes up
    their answers.

    Raises:
        psycopg.OperationalError: no connection within `WAIT_SECONDS`, or it broke.
    """
    with _pool(os.getpid()).connection() as one:
        yield one
