"""A proxy between an API and Redis, which counts what is published, and can hold or refuse it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal
from urllib.parse import urlsplit

from autograder.sdk.network import LOOPBACK, free_port, release_port

COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n(LPUSH|GET)\r\n\$\d+\r\n([^\r]{1,200})\r\n")
"""The two commands that are counted: a message is published, and a state is read."""
PIECE_BYTES = 64 * 1024
MOST_CONNECTIONS = 64
"""More connections at a time are closed at once, so that no submission can exhaust the grader."""
HELD_SECONDS = 20.0
"""The longest time for which a message is held."""

Mode = Literal["pass", "refuse", "hold"]


class RedisProxy:
    """Forwards every connection to the run's Redis server.

    Counts each LPUSH (a message is published) and each GET of the state of a task.
    """

    def __init__(self, redis_url: str) -> None:
        parts = urlsplit(redis_url)
        self._target = (parts.hostname or LOOPBACK, parts.port or 6379)
        self._port = free_port()
        user = parts.netloc.rpartition("@")[0]
        place = f"{user}@{LOOPBACK}:{self._port}" if user else f"{LOOPBACK}:{self._port}"
        self.url = parts._replace(netloc=place).geturl()
        self._server = socket.create_server((LOOPBACK, self._port))
        self._mode: Mode = "pass"
        self._free = threading.Event()
        self._slots = threading.Semaphore(MOST_CONNECTIONS)
        self.published = 0
        self.states_read = 0
        self.connects = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        self._free.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        release_port(self._port)

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

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self._mode == "refuse" and self.published:
                    self.connects += 1
                    client.close()
                    continue
                if not self._slots.acquire(blocking=False):
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, socket.create_connection(self._target) as server:
                back = threading.Thread(target=_forward, args=(server, client), daemon=True)
                back.start()
                self._forward_requests(client, server)
                _end(server)
                back.join()
        except OSError:
            return
        finally:
            self._slots.release()

    def _forward_requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(PIECE_BYTES):
                if self._count(data):
                    if self._mode == "refuse":
                        _end(client)
                        return
                    if self._mode == "hold":
                        self._free.wait(HELD_SECONDS)
                server.sendall(data)

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


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(PIECE_BYTES):
            target.sendall(data)
    _end(target)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
