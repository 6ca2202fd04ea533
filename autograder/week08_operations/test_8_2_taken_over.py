"""8.2: another Beat takes the lock between two commands of `hold`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
import redis

from autograder.sdk import Run, fail, made
from autograder.sdk.answers import Code, must_return
from autograder.sdk.relay import Relay
from autograder.week08_operations.overdue import code
from autograder.week08_operations.test_8_2_schedule import LOCK, SCHEDULE, client

__all__ = ["client", "code"]  # fixtures

pytestmark = pytest.mark.item("8.2")

MOST_PIECES = 20
"""So many requests of one call are disturbed, those included with which a connection begins."""
OTHER_MS, LEAST_MS = 50_000, 30_000
"""How long the lock of the other Beat lasts, and what must be left of it after the call."""


class Meddler:
    """Lets another Beat take the lock right before one request of a connection.

    Args:
        at: the number of the request, from 0.
    """

    def __init__(self, client: redis.Redis, token: str, at: int) -> None:
        self._client, self._token, self._at = client, token, at
        self._seen = 0
        self.acted = False

    def passes(self, piece: bytes) -> bool:
        """Take the lock, if it is time, and let the request pass."""
        if self._seen == self._at:
            self._client.set(LOCK, self._token, px=OTHER_MS)
            self.acted = True
        self._seen += 1
        return True


@contextmanager
def disturbed(run: Run, meddler: Meddler) -> Iterator[dict[str, Any]]:
    """A client of Redis in the student's process, whose requests the meddler sees."""
    relay = Relay(run.redis_url, meddler.passes)
    try:
        yield made("redis", "Redis.from_url", f"{relay.url}/0", socket_timeout=10)
    finally:
        relay.close()


@pytest.mark.parametrize("has_it", [False, True], ids=["free", "own"])
def test_another_beat_comes_between(
    code: Code, run: Run, client: redis.Redis, rng: Random, has_it: bool
) -> None:
    """c, d, e: the lock is free, or this Beat has it; another one takes it before each of the commands."""
    mine, other = f"{rng.getrandbits(64):x}", f"{rng.getrandbits(64):x}"
    state = "by the Beat that has the lock" if has_it else "while nobody has the lock"
    sent = f"hold(client, {mine!r}, 90) {state}; another Beat takes it right before a command"
    for number in range(MOST_PIECES):
        client.delete(LOCK)
        if has_it:
            client.set(LOCK, mine, px=OTHER_MS)
        meddler = Meddler(client, other, number)
        with disturbed(run, meddler) as theirs:
            must_return(sent, code.ask(SCHEDULE, "hold", theirs, mine, 90))
        if not meddler.acted:
            return  # the call has sent no more
        left: Any = client.pttl(LOCK)
        if client.get(LOCK) != other.encode() or not LEAST_MS < left <= OTHER_MS:
            fail(
                sent=sent,
                expected="the token of the other, and its expiry",
                got=f"the lock is {client.get(LOCK)!r}, and expires in {left} ms",
                cause="one command, or one script, must look and write: what was read before it is old",
            )
