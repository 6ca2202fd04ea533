"""What another worker does after a function of the student's has looked, and before it writes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg

from autograder.sdk import Answer, Run, until
from autograder.sdk.database import connect
from autograder.week09_news.saving import waits

CALL_SECONDS = 20.0
"""How long the student's function may take, the time that it waits for us included."""


def before_its_write(
    run: Run,
    table: str,
    call: Callable[[], Answer],
    act: Callable[[psycopg.Connection[Any]], None],
) -> tuple[Answer, bool]:
    """Hold the first write of a call to a table, let another worker act, and let the call go on.

    A lock inside the student's process changes nothing here, because we are another process. A statement
    that looks and writes at once waits before it looks.

    Args:
        act: the other worker's change. It locks rows with NOWAIT.

    Returns:
        The answer, and whether `act` could do its work. False: the call has locked the row, so it is first.
    """
    found: list[Answer | BaseException] = []

    def ask() -> None:
        try:
            found.append(call())
        except BaseException as failure:
            found.append(failure)

    thread = threading.Thread(target=ask, daemon=True)
    acted = True
    with connect(run) as database, database.transaction():
        database.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
        thread.start()
        until(lambda: found or waits(run), CALL_SECONDS)
        try:
            with database.transaction():
                act(database)
        except psycopg.errors.LockNotAvailable:
            acted = False
    thread.join(CALL_SECONDS + 5)
    answer = found[0] if found else TimeoutError("the call did not end")
    if isinstance(answer, BaseException):
        raise answer
    return answer, acted
