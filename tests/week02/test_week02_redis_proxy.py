"""The proxy of week 2's graders counts, holds and refuses messages, and changes nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from autograder.process.wait import until
from autograder.week02_api.redis_proxy import RedisProxy
from bootcamp.ports import LOOPBACK

PUBLISH = b"*3\r\n$5\r\nLPUSH\r\n$6\r\ncelery\r\n$2\r\n{}\r\n"
READ = b"*2\r\n$3\r\nGET\r\n$21\r\ncelery-task-meta-1234\r\n"
OTHER = b"*2\r\n$3\r\nGET\r\n$5\r\nother\r\n"


@pytest.fixture
def proxy() -> Iterator[RedisProxy]:
    """Return a proxy before a server that sends back what it gets."""
    server = socket.create_server((LOOPBACK, 0))
    threading.Thread(target=echo, args=(server,), daemon=True).start()
    proxy = RedisProxy(f"redis://:secret@{LOOPBACK}:{server.getsockname()[1]}")
    yield proxy
    proxy.close()
    server.close()


def echo(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=send_back, args=(connection,), daemon=True).start()


def send_back(connection: socket.socket) -> None:
    with suppress(OSError), connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def connect(proxy: RedisProxy) -> socket.socket:
    port = int(proxy.url.rpartition(":")[2])
    return socket.create_connection((LOOPBACK, port), timeout=10.0)


def test_it_forwards_and_counts(proxy: RedisProxy) -> None:
    assert proxy.url.startswith("redis://:secret@")
    with proxy.counting(), closing(connect(proxy)) as line:
        for request in (PUBLISH, READ, OTHER):
            line.sendall(request)
            assert line.recv(4096) == request
        assert (proxy.published, proxy.states_read) == (1, 1)


def test_it_holds_a_message_until_the_block_ends(proxy: RedisProxy) -> None:
    with closing(connect(proxy)) as line, closing(connect(proxy)) as other:
        with proxy.holding():
            line.sendall(PUBLISH)
            assert until(lambda: proxy.published, 10.0)
            other.sendall(READ)
            assert other.recv(4096) == READ
            line.settimeout(0.2)
            with pytest.raises(TimeoutError):
                line.recv(4096)
        line.settimeout(10.0)
        assert line.recv(4096) == PUBLISH


def test_it_refuses_a_message_and_every_later_connection(proxy: RedisProxy) -> None:
    with proxy.refusing():
        with closing(connect(proxy)) as line:
            line.sendall(READ)
            assert line.recv(4096) == READ
            line.sendall(PUBLISH)
            assert line.recv(4096) == b""
        with closing(connect(proxy)) as again:
            assert again.recv(4096) == b""
        assert (proxy.published, proxy.connects) == (1, 1)
    with closing(connect(proxy)) as line:
        line.sendall(OTHER)
        assert line.recv(4096) == OTHER
