"""A courier who rings at the dog's door. Started by `the_dog.py`, as a process of its own."""

import os
import signal
import sys
from pathlib import Path

LIMIT = 3
"""So many couriers may ring at a door."""


def count_a_try(book: Path) -> int:
    """Make a stroke in the depot's book. Returns how many there are."""
    with book.open("a") as pages:
        pages.write("|")
    return len(book.read_text())


def ring() -> None:
    """Nothing in this process learns of its end."""
    os.kill(os.getpid(), signal.SIGKILL)


def when_it_fails(book: Path) -> None:
    try:
        ring()
    except BaseException:
        count_a_try(book)
        raise


def afterwards(book: Path) -> None:
    try:
        ring()
    finally:
        count_a_try(book)


def before(book: Path) -> None:
    if count_a_try(book) > LIMIT:
        sys.exit("given up")
    ring()


WAYS = {way.__name__: way for way in (when_it_fails, afterwards, before)}

if __name__ == "__main__":
    WAYS[sys.argv[1]](Path(sys.argv[2]))
