"""Stands between the student's code and a server, and asks for each piece of a request whether it may pass.

Nothing is changed on the way, so the student's code cannot know what happens at which of its calls.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from bootcamp.ports import LOOPBACK, free_port, release_port

PIECE_BYTES = 64 * 1024
MOST_CONNECTIONS = 64
"""More connections at a time are closed at once, so that no submission can exhaust the grader."""


class Relay:
    """Forwards every TCP connection to a server.

    Args:
        url: of the server, with its port.
        passes: asked for each piece of a request, in the thread of its connection. It may wait. False: the
            piece is dropped, and the connection is cut.
        accepts: asked for each new connection. False: it is closed at once.
        piece_bytes: the most bytes of a piece.

    Attributes:
        url: what the student's code gets in place of the server's.
    """

    def __init__(
        self,
        url: str,
        passes: Callable[[bytes], bool],
        accepts: Callable[[], bool] = lambda: True,
        piece_bytes: int = PIECE_BYTES,
    ) -> None:
        parts = urlsplit(url)
        assert parts.port is not None, "every server of a run has a port of its own"
        self._target = (parts.hostname or LOOPBACK, parts.port)
        self._passes, self._accepts, self._piece_bytes = passes, accepts, piece_bytes
        self._port = free_port()
        user = "".join(parts.netloc.rpartition("@")[:2])
        self.url = parts._replace(netloc=f"{user}{LOOPBACK}:{self._port}").geturl()
        self._server = socket.create_server((LOOPBACK, self._port))
        self._slots = threading.Semaphore(MOST_CONNECTIONS)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        release_port(self._port)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if not self._accepts() or not self._slots.acquire(blocking=False):
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, socket.create_connection(self._target) as server:
                back = threading.Thread(target=self._forward, args=(server, client), daemon=True)
                back.start()
                with suppress(OSError):
                    while (data := client.recv(self._piece_bytes)) and self._passes(data):
                        server.sendall(data)
                _end(server)
                _end(client)
                back.join()
        except OSError:
            return
        finally:
            self._slots.release()

    def _forward(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(self._piece_bytes):
                client.sendall(data)
        _end(client)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
