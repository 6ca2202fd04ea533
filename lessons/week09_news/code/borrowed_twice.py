"""Three librarians register the same book at the same moment. Three ways to do it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
from news_local import local_services

ISBN = "978-3-16-148410-0"
TABLE = "CREATE TABLE books (id serial PRIMARY KEY, isbn text NOT NULL UNIQUE)"
LOOK = "SELECT id FROM books WHERE isbn = %s"
ADD = "INSERT INTO books (isbn) VALUES (%s) RETURNING id"
ADD_OR_NOTHING = "INSERT INTO books (isbn) VALUES (%s) ON CONFLICT DO NOTHING RETURNING id"
ADD_OR_TOUCH = """
INSERT INTO books (isbn) VALUES (%s) ON CONFLICT (isbn) DO UPDATE SET isbn = EXCLUDED.isbn RETURNING id
"""

Database = psycopg.Connection[tuple[int]]


def look_then_add(database: Database, together: Barrier) -> int | None:
    """Look for the book, and add it if nobody has."""
    row = database.execute(LOOK, [ISBN]).fetchone()
    together.wait()
    row = row or database.execute(ADD, [ISBN]).fetchone()
    return row[0] if row else None


def add_or_nothing(database: Database, together: Barrier) -> int | None:
    """Add the book, or do nothing if it is there."""
    together.wait()
    row = database.execute(ADD_OR_NOTHING, [ISBN]).fetchone()
    return row[0] if row else None


def add_or_touch(database: Database, together: Barrier) -> int | None:
    """Add the book, or write what is there already, and so get its row."""
    together.wait()
    row = database.execute(ADD_OR_TOUCH, [ISBN]).fetchone()
    return row[0] if row else None


Way = Callable[[Database, Barrier], int | None]


def at_once(way: Way, url: str) -> list[str]:
    """Let three librarians register the book. Returns what each of them got."""
    together = Barrier(3)

    def librarian(_: int) -> str:
        with psycopg.connect(url, autocommit=True) as database:
            try:
                return "no id" if way(database, together) is None else "an id"
            except psycopg.errors.UniqueViolation:
                return "an error"

    with ThreadPoolExecutor(3) as pool:
        return sorted(pool.map(librarian, range(3)))


def main() -> None:
    with local_services():
        url = os.environ["DATABASE_URL"]
        ways: tuple[Way, ...] = (look_then_add, add_or_nothing, add_or_touch)
        for way in ways:
            with psycopg.connect(url, autocommit=True) as database:
                database.execute("DROP TABLE IF EXISTS books")
                database.execute(TABLE)
            print(f"{way.__name__ + ':':16}{', '.join(at_once(way, url))}")


if __name__ == "__main__":
    main()
