"""A proxy between the student's code and PostgreSQL, which can cut the connection in the middle of a call.

It forwards everything unchanged until then. So the student's code cannot know at which of its calls, and at
which statement, the connection breaks.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from autograder.sdk.network import LOOPBACK, free_port, release_port

PIECE_BYTES = 256 * 1024
MOST_CONNECTIONS = 16
"""More connections at a time are closed at once, so that no submission can exhaust the grader."""


class CutProxy:
    """Forwards every connection to PostgreSQL.

    Attributes:
        url: what the student's code gets as `DATABASE_URL`.
        came: whether the connection was cut in the last `cutting` block.
    """

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._target = (parts.hostname or LOOPBACK, parts.port or 5432)
        self._port = free_port()
        user = parts.netloc.rpartition("@")[0]
        self.url = parts._replace(netloc=f"{user}@{LOOPBACK}:{self._port}").geturl()
        self._server = socket.create_server((LOOPBACK, self._port))
        self._slots = threading.Semaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._left: int | None = None
        self.came = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        release_port(self._port)

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

    def _passes(self) -> bool:
        """Count a piece, and return whether it may arrive."""
        with self._lock:
            if self._left is None:
                return True
            self._left -= 1
            self.came |= self._left < 0
            return self._left >= 0

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if not self._slots.acquire(blocking=False):
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, socket.create_connection(self._target) as server:
                back = threading.Thread(target=_forward, args=(server, client), daemon=True)
                back.start()
                with suppress(OSError):
                    while (data := client.recv(PIECE_BYTES)) and self._passes():
                        server.sendall(data)
                _end(server)
                _end(client)
                back.join()
        except OSError:
            return
        finally:
            self._slots.release()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(PIECE_BYTES):
            target.sendall(data)
    _end(target)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
