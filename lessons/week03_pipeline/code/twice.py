"""A palette is written twice, and then a shorter one: four ways to write, and what is left."""

import os
from collections.abc import Iterable
from typing import Any

import psycopg
from local import local_services
from psycopg.errors import UniqueViolation

FIRST = ["red", "green", "blue"]
SECOND = ["crimson", "green"]

COLUMNS = "(palette text, place integer, colour text"
WAYS = {
    "no key": (f"{COLUMNS})", ""),
    "a key": (f"{COLUMNS}, PRIMARY KEY (palette, place))", ""),
    "do nothing": (f"{COLUMNS}, PRIMARY KEY (palette, place))", "ON CONFLICT DO NOTHING"),
    "do update": (
        f"{COLUMNS}, PRIMARY KEY (palette, place))",
        "ON CONFLICT (palette, place) DO UPDATE SET colour = excluded.colour",
    ),
}
"""The table, and what an INSERT says about a row that is there already."""


def write(database: psycopg.Connection[Any], colours: Iterable[str], conflict: str) -> str:
    """Write the palette "sea", and tell what is in the table then."""
    rows = [("sea", place, colour) for place, colour in enumerate(colours)]
    insert = f"INSERT INTO palettes VALUES (%s, %s, %s) {conflict}"  # noqa: S608 - ours, above
    try:
        with database.transaction():
            for row in rows:
                database.execute(insert, row)
    except UniqueViolation as error:
        return type(error).__name__
    found = database.execute("SELECT colour FROM palettes ORDER BY place, colour")
    return " ".join(colour for (colour,) in found)


def main() -> None:
    with (
        local_services(),
        psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database,
    ):
        for way, (table, conflict) in WAYS.items():
            database.execute("DROP TABLE IF EXISTS palettes")
            database.execute(f"CREATE TABLE palettes {table}")
            print(way)
            for version in (FIRST, FIRST, SECOND):
                print(f"   wrote {' '.join(version)}:", write(database, version, conflict))


if __name__ == "__main__":
    main()
