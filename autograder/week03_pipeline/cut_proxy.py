"""A proxy between the student's code and PostgreSQL, which can cut the connection in the middle of a call.

It forwards everything unchanged until then. So the student's code cannot know at which of its calls, and at
which statement, the connection breaks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from autograder.sdk.relay import Relay

PIECE_BYTES = 256 * 1024
"""Large, so that a call has few pieces, and each of them can be tried as the last one."""


class CutProxy:
    """Forwards every connection to PostgreSQL.

    Attributes:
        url: what the student's code gets as `DATABASE_URL`.
        came: whether the connection was cut in the last `cutting` block.
    """

    def __init__(self, database_url: str) -> None:
        self._lock = threading.Lock()
        self._left: int | None = None
        self.came = False
        self._relay = Relay(database_url, self._passes, piece_bytes=PIECE_BYTES)
        self.url = self._relay.url
        self.close = self._relay.close

    @contextmanager
    def cutting(self, after: int) -> Iterator[None]:
        """Let `after` pieces of requests arrive. At the next one, and until the block ends, cut every
        connection.
        """
        with self._lock:
            self._left, self.came = after, False
        try:
            yield
        finally:
            with self._lock:
                self._left = None

    def _passes(self, _: bytes) -> bool:
        """Count a piece, and return whether it may arrive."""
        with self._lock:
            if self._left is None:
                return True
            self._left -= 1
            self.came |= self._left < 0
            return self._left >= 0
