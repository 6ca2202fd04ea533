"""Kills the sender of a digest at one line after another. Run as a program, with week 9's layers on its path.

`sys.settrace` counts the lines of the traced files, from the call of `send_one` to its return. For each
number a child process dies there, as by SIGKILL: no `finally` and no `with` block ends. Then a second child
sends what is left, as the next run does.

    python digest_crashes.py digest.py 1     every line of digest.py
    python digest_crashes.py smtplib.py 7    every seventh line of smtplib.py

Prints JSON: for each place the line that was reached.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from types import FrameType
from typing import Any

import psycopg

from pipeline.news.digest import send_one
from pipeline.news.digest_model import Desk, Digest, Story, Subscriber

DAY = date(2026, 11, 29)
DIGEST = Digest(
    DAY, datetime(2026, 11, 29, 7, tzinfo=UTC), (Story("Lamp", "https://x.test", "Lit."),), ()
)
DESK = Desk("Desk <desk@x.test>", "x.test", "https://x.test")


def traced(file: str, at: Callable[[int, str], None]) -> Callable[..., Any]:
    """A tracer that calls `at` with the number and place of each line of a file."""
    number = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal number
        name = os.path.basename(frame.f_code.co_filename)  # noqa: PTH119 - called for each line
        if name != file:
            return trace if event == "call" else None
        if event == "line":
            number += 1
            at(number, f"{name}:{frame.f_lineno}")
        return trace

    return trace


def in_child(work: Callable[[], None]) -> str:
    """Run in a forked process. Return what it wrote before its end."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        try:
            work()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    os.waitpid(child, 0)
    return text


def subscriber(database: psycopg.Connection[Any]) -> Subscriber:
    identity = str(uuid.uuid4())
    one = Subscriber(identity, f"{identity}@mail.test", identity)
    database.execute(
        "INSERT INTO subscribers (subscriber_id, address, token) VALUES (%s, %s, %s)",
        (identity, one.address, one.token),
    )
    return one


def end_leases(database: psycopg.Connection[Any]) -> None:
    database.execute("UPDATE digests SET lease_until = now() - interval '1 second'")


def count_lines(file: str, one: Subscriber) -> int:
    """How many lines of the file a whole call runs."""

    def work() -> None:
        count = 0

        def at(number: int, _: str) -> None:
            nonlocal count
            count = number

        sys.settrace(traced(file, at))
        send_one(DIGEST, one, DESK)
        sys.settrace(None)
        os.write(1, str(count).encode())

    return int(in_child(work))


def die_at(file: str, place: int, one: Subscriber) -> str:
    """Send, and die at this line. Return the line."""

    def at(number: int, where: str) -> None:
        if number == place:
            os.write(1, where.encode())
            os._exit(9)

    def work() -> None:
        sys.settrace(traced(file, at))
        send_one(DIGEST, one, DESK)

    return in_child(work)


def send(one: Subscriber) -> None:
    """Send, and say what became of it."""
    os.write(1, repr(send_one(DIGEST, one, DESK)).encode())


def main() -> None:
    """Try every place."""
    file, step = sys.argv[1], int(sys.argv[2])
    died = []
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        lines = count_lines(file, subscriber(database))
        for place in range(1, lines + 1, step):
            one = subscriber(database)
            where = die_at(file, place, one)
            end_leases(database)
            outcome = in_child(partial(send, one))
            died.append({"address": one.address, "line": where, "next": outcome})
    print(json.dumps(died))


if __name__ == "__main__":
    main()
