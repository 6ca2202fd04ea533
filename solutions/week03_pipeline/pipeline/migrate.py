"""Prepares the stores: `python -m pipeline.migrate`. Given to students complete.

Run it once before the API and the workers start, and again after every update of the code. Nothing
else creates or alters a table.

A migration is a module of the namespace package `pipeline.migrations`, such as `m0301_documents`.
Each week adds its own. They are applied in the order of their names, and each only once: the table
`migrations` in PostgreSQL records them. A lock makes a second run wait for the first.

A migration has one or two functions:

- `up(database)` makes the change. It returns None when that is done. Where it cannot be done yet, or
  a right is missing, `up` returns a warning: the migration stays open for the next run.
- `target()` names the store that is changed, if that is not this database. It returns "" while that
  store does not exist. A new store under an old name has another target, and is prepared too.

Exit codes: 0 the stores are ready, with or without warnings; 1 a migration failed, or the database is
not encoded in UTF-8; 75 a store cannot be reached now, so try again.
"""

from __future__ import annotations

import importlib
import re
import sys
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import psycopg
from psycopg import Connection

from pipeline.discovery import modules_in
from pipeline.errors import TransientError
from pipeline.steps.database import CONNECT_SECONDS, database_url

PACKAGE = "pipeline.migrations"
NAME = re.compile(r"m\d{4}_\w+")
LOCK = 0x6D696772617465
"""Key of the advisory lock that one run holds from its first migration to its last."""
FAILED = 1
TRY_AGAIN = 75
"""`EX_TEMPFAIL` of sysexits.h."""

RECORDS = """
CREATE TABLE IF NOT EXISTS migrations (
    name       text NOT NULL,
    target     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, target)
)
"""


class MigrationFailed(Exception):
    """A migration raised an error. Those before it are applied and recorded."""


class WrongEncoding(Exception):
    """The database cannot store the text of every document. Nothing was changed in it."""


def migrations() -> list[ModuleType]:
    """The migrations of all layers, in the order in which they are applied."""
    names = [name for name in modules_in(PACKAGE) if NAME.fullmatch(name.rpartition(".")[2])]
    return [importlib.import_module(name) for name in names]


def migrate() -> None:
    """Apply every migration that is not recorded yet, and print what is done.

    Raises:
        MigrationFailed: one of them raised an error, which is the cause.
        WrongEncoding: the database is not encoded in UTF-8.
        psycopg.OperationalError: PostgreSQL cannot be reached.
    """
    with psycopg.connect(
        database_url(), autocommit=True, connect_timeout=CONNECT_SECONDS
    ) as database:
        require_utf8(database)
        lock(database)
        database.execute(RECORDS)
        recorded = set(database.execute("SELECT name, target FROM migrations").fetchall())
        for migration in migrations():
            name = migration.__name__.rpartition(".")[2]
            try:
                if (name, target_of(migration)) not in recorded:
                    apply(database, migration, name)
            except Exception as error:
                raise MigrationFailed(f"{name}: {type(error).__name__}: {error}") from error
    print("The stores are ready.")


def require_utf8(database: Connection[Any]) -> None:
    """Stop before anything is created in a database that is not encoded in UTF-8.

    For example, psycopg returns bytes instead of text from a database in SQL_ASCII, so the recorded
    migrations would not be recognised. The encoding of a database cannot be changed later.
    """
    encoding = database.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        info = database.info
        raise WrongEncoding(
            f"The database {info.dbname} on {info.host}:{info.port} is encoded in {encoding}, but the "
            "pipeline needs UTF8. Create a new database and set DATABASE_URL to it: "
            "CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8'"
        )


def lock(database: Connection[Any]) -> None:
    """Take the lock, which this connection holds until it is closed."""
    if database.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone() == (False,):
        print("Another process is preparing the stores. Waiting for it.", flush=True)
        database.execute("SELECT pg_advisory_lock(%s)", [LOCK])


def target_of(migration: ModuleType) -> str:
    """The store that the migration changes."""
    return str(migration.target()) if hasattr(migration, "target") else "postgresql"


def apply(database: Connection[Any], migration: ModuleType, name: str) -> None:
    """Apply one migration and record it. In PostgreSQL both happen in one transaction.

    A change elsewhere may take minutes. No transaction stays open for so long.
    """
    elsewhere = hasattr(migration, "target")
    with nullcontext() if elsewhere else database.transaction():
        warning = migration.up(database)
        target = target_of(migration)
        if warning is None and target:
            record = "INSERT INTO migrations (name, target) VALUES (%s, %s)"
            database.execute(record, [name, target])
    print(f"{name}: {'applied' if warning is None else f'WARNING: {warning}'}", flush=True)


def main() -> int:
    """Run `migrate`, and turn errors into a message and an exit code."""
    try:
        migrate()
    except MigrationFailed as failure:
        print(failure, file=sys.stderr)
        away = isinstance(failure.__cause__, (psycopg.OperationalError, TransientError))
        return TRY_AGAIN if away else FAILED
    except WrongEncoding as error:
        print(error, file=sys.stderr)
        return FAILED
    except psycopg.OperationalError as error:
        print(f"PostgreSQL cannot be reached: {error}", file=sys.stderr)
        return TRY_AGAIN
    return 0


if __name__ == "__main__":
    sys.exit(main())
