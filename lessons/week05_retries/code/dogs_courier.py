"""A courier who rings at the dog's door. Started by `the_dog.py`, as a process of its own."""

import os
import signal
import sys
from typing import Any

from redis import Redis

LIMIT = 3
"""So many couriers may ring at a door."""


def book() -> Any:
    """Where the depot counts."""
    return Redis.from_url(os.environ["REDIS_URL"], db=2, decode_responses=True)


def ring() -> None:
    """Nothing in this process learns of its end."""
    os.kill(os.getpid(), signal.SIGKILL)


def when_it_fails() -> None:
    try:
        ring()
    except BaseException:
        book().incr("tries")
        raise


def afterwards() -> None:
    try:
        ring()
    finally:
        book().incr("tries")


def before() -> None:
    if book().incr("tries") > LIMIT:
        book().set("given up", "yes")
        return
    ring()


WAYS = {way.__name__: way for way in (when_it_fails, afterwards, before)}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
