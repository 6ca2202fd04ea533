"""A client withdraws a file while a scanner is about to add it to the archive. Three ways to remove it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
from recovery_local import local_services

FILE = "will.pdf"
TABLES = """
CREATE TABLE archive (name text PRIMARY KEY);
CREATE TABLE refused (name text PRIMARY KEY);
"""
LOCK = "SELECT pg_advisory_xact_lock(hashtext(%s))"


def scan(database: psycopg.Connection) -> None:
    """Add the file, unless it is refused. The transaction is still open afterwards."""
    database.execute(LOCK, [FILE])
    known = "INSERT INTO archive SELECT %s WHERE NOT EXISTS (SELECT 1 FROM refused WHERE name = %s)"
    database.execute(known, [FILE, FILE])


def remove_it(database: psycopg.Connection) -> None:
    """Remove what is there now."""
    database.execute("DELETE FROM archive WHERE name = %s", [FILE])


def refuse_and_remove(database: psycopg.Connection) -> None:
    """Refuse later scans too."""
    database.execute("INSERT INTO refused VALUES (%s)", [FILE])
    remove_it(database)


def lock_refuse_and_remove(database: psycopg.Connection) -> None:
    """Wait for the scan that is under way as well."""
    database.execute(LOCK, [FILE])
    refuse_and_remove(database)


def left_over(remove: Callable[[psycopg.Connection], None], url: str, *, late: bool) -> int:
    """Remove the file before a scan, or in the middle of one. Returns how often it is in the archive."""
    with psycopg.connect(url, autocommit=True) as all_files:
        all_files.execute("TRUNCATE archive, refused")
    with ThreadPoolExecutor(1) as client, psycopg.connect(url) as scanner:
        if not late:
            scan(scanner)

        def withdraw() -> None:
            with psycopg.connect(url) as database:
                remove(database)

        removal = client.submit(withdraw)
        with suppress(TimeoutError):
            removal.result(0.3)  # it ends, or it waits for the scan
        if late:
            scan(scanner)
        scanner.commit()
        removal.result()
        found = scanner.execute("SELECT count(*) FROM archive").fetchone()
        assert found is not None
        return int(found[0])


def main() -> None:
    with local_services():
        url = os.environ["DATABASE_URL"]
        with psycopg.connect(url) as database:
            database.execute(TABLES)
        print("left in the archive      scan under way   scan afterwards")
        for way in (remove_it, refuse_and_remove, lock_refuse_and_remove):
            under_way, afterwards = (left_over(way, url, late=late) for late in (False, True))
            print(f"{way.__name__:25}{under_way:<17}{afterwards}")


if __name__ == "__main__":
    main()
