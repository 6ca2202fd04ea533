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
KEEP_ALIVE_SECONDS = 75
"""How long our servers keep an idle connection. Far above the 5 s after which httpx drops one: at the
same length, a request meets a connection that is just being closed, and its sender pays for that.
"""
FIRST_PORT, LAST_PORT = 20_000, 32_000
FIRST_BLOCK_PORT, BLOCK_PORTS, BLOCKS = 10_000, 128, 78
"""Below those: blocks of ports, each of one process that grades hostile code."""
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


def own_ports() -> range:
    """The ports that `free_port` picks from."""
    return _block or range(FIRST_PORT, LAST_PORT + 1)


def keep_to_block() -> range:
    """From now on this process takes its ports from a block that no other process takes from.

    A wall around student code can then let these through and no others.

    Raises:
        StackError: all blocks are taken.
    """
    global _block  # noqa: PLW0603 - one for the process
    if _block is None:
        for number in random.sample(range(BLOCKS), BLOCKS):
            first = FIRST_BLOCK_PORT + number * BLOCK_PORTS
            if claim := _claimed(f"block-{first}"):
                _block_claims.append(claim)
                _block = range(first, first + BLOCK_PORTS)
                return _block
        raise StackError(
            f"All {BLOCKS} blocks of ports are taken.", "Grade fewer submissions at once: -j."
        )
    return _block


def free_port() -> int:
    """A port that nothing listens on, ours until `release_port` or the end of this process.

    Raises:
        StackError: none was found.
    """
    ports = own_ports()
    for _ in range(ATTEMPTS):
        port = random.choice(ports)  # noqa: S311
        if port not in _claims and is_free(port) and (claim := _claimed(f"port-{port}")):
            _claims[port] = claim
            return port
    raise StackError(
        f"No free port on {LOOPBACK} between {ports[0]} and {ports[-1]}.",
        "Run `bootcamp doctor`: a firewall or a sandbox may forbid to listen on loopback.",
    )


def release_port(port: int) -> None:
    """Let others have the port. Does nothing twice."""
    claim = _claims.pop(port, None)
    if claim is not None:
        claim.close()


_claims: dict[int, socket.socket] = {}
_block: range | None = None
_block_claims: list[socket.socket] = []


def _claimed(name: str) -> socket.socket | None:
    """Tell the other stacks of this machine that a port is taken, also while no server listens.

    An abstract socket (Linux) is a name that lives as long as its process, in no folder. Elsewhere
    two stacks that start in the same moment may, rarely, pick the same port: one says so and fails.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if sys.platform == "linux":
        try:
            claim.bind(f"\0async-ai-bootcamp-{name}")
        except OSError:
            claim.close()
            return None
    return claim


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
