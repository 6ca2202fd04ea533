"""A writer dies between two rows: what a reader sees without a transaction and with one."""

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import psycopg
from local import local_services

OLD, NEW = ["draft", "damage", "costs"], ["final", "repairs", "invoice"]

Database = psycopg.Connection[Any]


class WorkerDiesError(Exception):
    """Stands for a worker that is killed."""


def overwrite(database: Database, reader: Database, block: AbstractContextManager[object]) -> None:
    """Write the new words over the old ones, one after another, and die before the last."""
    with block:
        for line, word in enumerate(NEW):
            if line == 2:
                print("   meanwhile:", look(reader))
                raise WorkerDiesError
            database.execute("UPDATE report SET word = %s WHERE line = %s", [word, line])


def look(reader: Database) -> str:
    return " ".join(row[0] for row in reader.execute("SELECT word FROM report ORDER BY line"))


def main() -> None:
    with local_services():
        url = os.environ["DATABASE_URL"]
        for name in ("without a transaction", "with a transaction"):
            with (
                psycopg.connect(url, autocommit=True) as database,
                psycopg.connect(url, autocommit=True) as reader,
            ):
                database.execute("DROP TABLE IF EXISTS report")
                database.execute("CREATE TABLE report (line integer PRIMARY KEY, word text)")
                rows = list(enumerate(OLD))
                database.cursor().executemany("INSERT INTO report VALUES (%s, %s)", rows)
                print(name)
                block = database.transaction() if name.startswith("with ") else nullcontext()
                with suppress(WorkerDiesError):
                    overwrite(database, reader, block)
                print("   afterwards:", look(reader))


if __name__ == "__main__":
    main()
