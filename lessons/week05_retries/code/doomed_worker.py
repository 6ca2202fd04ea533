"""A worker that is killed while it parses a document. `deadly_document.py` starts it as a process."""

import os
import signal
import sys
from pathlib import Path

LIMIT = 3
"""How many workers may start this document."""


def count(record: Path) -> int:
    """Add 1 to the count in a file, and return it. The file stands for the job's row."""
    with record.open("a") as file:
        file.write("|")
    return len(record.read_text())


def parse() -> None:
    """Stand for a document that uses up all memory: the kernel kills this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def count_in_except(record: Path) -> None:
    try:
        parse()
    except BaseException:
        count(record)
        raise


def count_in_finally(record: Path) -> None:
    try:
        parse()
    finally:
        count(record)


def count_before(record: Path) -> None:
    if count(record) > LIMIT:
        sys.exit("given up")
    parse()


WAYS = {way.__name__: way for way in (count_in_except, count_in_finally, count_before)}

if __name__ == "__main__":
    WAYS[sys.argv[1]](Path(sys.argv[2]))
