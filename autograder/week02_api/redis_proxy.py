"""A proxy between an API and Redis, which counts what is published, and can hold or refuse it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from autograder.sdk.relay import Relay

COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n(LPUSH|GET)\r\n\$\d+\r\n([^\r]{1,200})\r\n")
"""The two commands that are counted: a message is published, and a state is read."""
HELD_SECONDS = 20.0
"""The longest time for which a message is held."""

Mode = Literal["pass", "refuse", "hold"]


class RedisProxy:
    """Forwards every connection to the run's Redis server.

    Counts each LPUSH (a message is published) and each GET of the state of a task.
    """

    def __init__(self, redis_url: str) -> None:
        self._mode: Mode = "pass"
        self._free = threading.Event()
        self.published = 0
        self.states_read = 0
        self.connects = 0
        self._relay = Relay(redis_url, self._passes, self._accepts)
        self.url = self._relay.url

    def close(self) -> None:
        """Accept no more connections, and hold nothing any more."""
        self._free.set()
        self._relay.close()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Close the connection of everybody who publishes a message, in place of an answer."""
        with self._counting("refuse"):
            yield

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep each message until the block ends, and then publish it."""
        with self._counting("hold"):
            yield

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count from zero, and change nothing."""
        with self._counting("pass"):
            yield

    @contextmanager
    def _counting(self, mode: Mode) -> Iterator[None]:
        self.published = self.states_read = self.connects = 0
        self._free.clear()
        self._mode = mode
        try:
            yield
        finally:
            self._mode = "pass"
            self._free.set()

    def _accepts(self) -> bool:
        if self._mode != "refuse" or not self.published:
            return True
        self.connects += 1
        return False

    def _passes(self, data: bytes) -> bool:
        if self._count(data):
            if self._mode == "refuse":
                return False
            if self._mode == "hold":
                self._free.wait(HELD_SECONDS)
        return True

    def _count(self, data: bytes) -> bool:
        """Count the commands in a piece of a request. Return whether it publishes a message."""
        publishes = False
        for name, key in COMMAND.findall(data):
            if name == b"LPUSH":
                self.published += 1
                publishes = True
            elif b"celery-task-meta-" in key:
                self.states_read += 1
        return publishes
