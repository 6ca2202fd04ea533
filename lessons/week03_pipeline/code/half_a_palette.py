"""A writer dies between two rows. What does a reader see, without a transaction and with one?"""

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import psycopg
from local import local_services

OLD, NEW = ["red", "green", "blue"], ["crimson", "lime", "navy"]

Database = psycopg.Connection[Any]


class WorkerDiesError(Exception):
    """Stands for a kill."""


def overwrite(database: Database, reader: Database, block: AbstractContextManager[object]) -> None:
    """Write the new colours over the old ones, one after another, and die before the last."""
    with block:
        for place, colour in enumerate(NEW):
            if place == 2:
                print("   meanwhile:", look(reader))
                raise WorkerDiesError
            database.execute("UPDATE sea SET colour = %s WHERE place = %s", [colour, place])


def look(reader: Database) -> str:
    return " ".join(row[0] for row in reader.execute("SELECT colour FROM sea ORDER BY place"))


def main() -> None:
    with local_services():
        url = os.environ["DATABASE_URL"]
        for name in ("without a transaction", "with a transaction"):
            with (
                psycopg.connect(url, autocommit=True) as database,
                psycopg.connect(url, autocommit=True) as reader,
            ):
                database.execute("DROP TABLE IF EXISTS sea")
                database.execute("CREATE TABLE sea (place integer PRIMARY KEY, colour text)")
                rows = list(enumerate(OLD))
                database.cursor().executemany("INSERT INTO sea VALUES (%s, %s)", rows)
                print(name)
                block = database.transaction() if name.startswith("with ") else nullcontext()
                with suppress(WorkerDiesError):
                    overwrite(database, reader, block)
                print("   afterwards:", look(reader))


if __name__ == "__main__":
    main()
