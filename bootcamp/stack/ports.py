"""Free loopback ports.

They are taken below the range from which the system gives outgoing connections their ports. A
server that is stopped for a test would otherwise lose its port to a client, or the client would be
connected to itself: on loopback a connection to a closed port in that range can do so.
"""

from __future__ import annotations

import http.client
import random
import socket
import sys

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
    """A port that nothing listens on, ours until `release_port` or the end of this process.

    Raises:
        StackError: none was found.
    """
    for _ in range(ATTEMPTS):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311
        if port not in _claims and is_free(port) and _claim(port):
            return port
    raise StackError(
        f"No free port on {LOOPBACK} between {FIRST_PORT} and {LAST_PORT}.",
        "Run `bootcamp doctor`: a firewall or a sandbox may forbid to listen on loopback.",
    )


def release_port(port: int) -> None:
    """Let others have the port. Does nothing twice."""
    claim = _claims.pop(port, None)
    if claim is not None:
        claim.close()


_claims: dict[int, socket.socket] = {}


def _claim(port: int) -> bool:
    """Tell the other stacks of this machine that the port is taken, also while no server listens.

    An abstract socket (Linux) is a name that lives as long as its process, in no folder. Elsewhere
    two stacks that start in the same moment may, rarely, pick the same port: one says so and fails.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if sys.platform == "linux":
        try:
            claim.bind(f"\0async-ai-bootcamp-port-{port}")
        except OSError:
            claim.close()
            return False
    _claims[port] = claim
    return True


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
