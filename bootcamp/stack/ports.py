"""Free loopback ports.

They are taken below the range from which the system gives outgoing connections their ports. A
server that is stopped for a test would otherwise lose its port to a client, or the client would be
connected to itself: on loopback a connection to a closed port in that range can do so.
"""

from __future__ import annotations

import http.client
import random
import socket

from bootcamp.errors import StackError

LOOPBACK = "127.0.0.1"
FIRST_PORT, LAST_PORT = 20_000, 32_000
ATTEMPTS = 200
CONNECT_SECONDS = 1.0


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nothing listens on.

    Raises:
        StackError: none was found.
    """
    for _ in range(ATTEMPTS):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311
        if is_free(port):
            return port
    raise StackError(
        f"No free port on {LOOPBACK} between {FIRST_PORT} and {LAST_PORT}.",
        "Run `bootcamp doctor`: a firewall or a sandbox may forbid to listen on loopback.",
    )


def answers_health(port: int) -> bool:
    """Whether `GET /health` on this loopback port answers 200."""
    line = http.client.HTTPConnection(LOOPBACK, port, timeout=CONNECT_SECONDS)
    try:
        line.request("GET", "/health")
        return line.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
