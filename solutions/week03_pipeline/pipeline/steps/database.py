"""The connections of this process to PostgreSQL. Given to students complete.

`python -m pipeline.migrate` has created the tables.
"""

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
"""The SQL that the migration `m0301_documents` executes."""
MAX_CONNECTIONS = 2
WAIT_SECONDS = 5.0
"""How long a task waits for a connection before it fails with `psycopg_pool.PoolTimeout`."""
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 300
"""How long a statement may take. It is long, because a worker may wait for another worker that writes the
same document, at about 250 chunks a second."""

POOL_ARGUMENTS: dict[str, Any] = {
    "autocommit": True,  # each statement commits by itself, unless the code opens a transaction
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "pipeline",
}


class DatabaseSettings(BaseSettings):
    """Settings of this module, each read from the variable of its name in upper case."""

    database_url: str
    """`postgresql://user:password@host:port/database`"""


def database_url() -> str:
    """Return the address of PostgreSQL."""
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
    """Take a connection from this process's pool, in autocommit mode. It goes back after the `with` block.

    The pool is made at the first use, so after the worker's fork. If two processes shared a socket, they
    would read each other's answers.

    Raises:
        psycopg.OperationalError: no connection was free within `WAIT_SECONDS`, or the connection broke.
    """
    with _pool(os.getpid()).connection() as one:
        yield one
