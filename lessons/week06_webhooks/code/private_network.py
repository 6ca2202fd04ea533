"""A private network, played on this machine: an internal service that accepts every connection.

A name server of our own resolves the attacker's names, and all requests stay on this machine.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dns.resolver

from bootcamp.providers.name_server import NameServer

SECRET = b"the key of the database: 4711"
BYTES, PAUSE_SECONDS = 10, 0.3


class Internal(BaseHTTPRequestHandler):
    """Answers every POST with a secret. Two names play servers of an attacker."""

    def do_POST(self) -> None:
        host = self.headers["host"].partition(":")[0]
        if host == "moved.example" and self.path == "/":
            self.send_response(307)
            port = self.server.server_address[1]
            self.send_header("location", f"http://127.0.0.1:{port}/key")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):  # the client has closed the connection
            self.respond_slowly() if host == "slow.example" else self.wfile.write(SECRET)

    def respond_slowly(self) -> None:
        """Send one byte every 0.3 seconds."""
        for _ in range(BYTES):
            self.wfile.write(b".")
            time.sleep(PAUSE_SECONDS)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def internal_service() -> Iterator[int]:
    """Run the internal service, and return its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Internal)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def look_up(names: NameServer, host: str) -> list[str]:
    """Return the addresses of a host. A number, in any form, is its own address."""
    if host[0].isdigit():
        return [socket.gethostbyname(host)]
    address, _, port = names.address.rpartition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [address], int(port)
    return [record.address for record in resolver.resolve(f"{host}.", "A")]
