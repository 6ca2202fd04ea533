"""A report is written twice, and then a shorter version of it: four ways to write, and their results."""

import os
from collections.abc import Iterable
from typing import Any

import psycopg
from local import local_services
from psycopg.errors import UniqueViolation

FIRST = ["draft", "damage", "costs"]
SECOND = ["final", "damage"]

COLUMNS = "(report text, line integer, word text"
WAYS = {
    "no key": (f"{COLUMNS})", ""),
    "a key": (f"{COLUMNS}, PRIMARY KEY (report, line))", ""),
    "do nothing": (f"{COLUMNS}, PRIMARY KEY (report, line))", "ON CONFLICT DO NOTHING"),
    "do update": (
        f"{COLUMNS}, PRIMARY KEY (report, line))",
        "ON CONFLICT (report, line) DO UPDATE SET word = excluded.word",
    ),
}
"""The columns of the table, and what the INSERT does with a row that exists."""


def write(database: psycopg.Connection[Any], words: Iterable[str], conflict: str) -> str:
    """Write the report "harbour", and return what the table contains afterwards."""
    rows = [("harbour", line, word) for line, word in enumerate(words)]
    insert = f"INSERT INTO reports VALUES (%s, %s, %s) {conflict}"  # noqa: S608 - ours, above
    try:
        with database.transaction():
            for row in rows:
                database.execute(insert, row)
    except UniqueViolation as error:
        return type(error).__name__
    found = database.execute("SELECT word FROM reports ORDER BY line, word")
    return " ".join(word for (word,) in found)


def main() -> None:
    with (
        local_services(),
        psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database,
    ):
        for way, (table, conflict) in WAYS.items():
            database.execute("DROP TABLE IF EXISTS reports")
            database.execute(f"CREATE TABLE reports {table}")
            print(way)
            for version in (FIRST, FIRST, SECOND):
                print(f"   wrote {' '.join(version)}:", write(database, version, conflict))


if __name__ == "__main__":
    main()
