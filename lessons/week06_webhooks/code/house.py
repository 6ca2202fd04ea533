"""The lab's house, on this machine: a safe that trusts whoever is inside, and a stranger's web page.

Names of strangers are answered by a name server of our own, and requests stay on this machine.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dns.resolver

from bootcamp.providers.name_server import NameServer

SAFE = b"the number of the safe: 4711"
DRIPS, DRIP_SECONDS = 10, 0.3


class House(BaseHTTPRequestHandler):
    """The safe answers everybody. `moved.example` sends visitors on to it; `slow.example` drips."""

    def do_POST(self) -> None:
        host = self.headers["host"].partition(":")[0]
        if host == "moved.example" and self.path == "/":
            self.send_response(307)
            port = self.server.server_address[1]
            self.send_header("location", f"http://127.0.0.1:{port}/safe")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):  # the visitor has gone
            self.drip() if host == "slow.example" else self.wfile.write(SAFE)

    def drip(self) -> None:
        """A letter now and then."""
        for _ in range(DRIPS):
            self.wfile.write(b".")
            time.sleep(DRIP_SECONDS)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def house() -> Iterator[int]:
    """Open the house, and give its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), House)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def look_up(names: NameServer, host: str) -> list[str]:
    """The addresses of a host. A number, however it is written, is its own."""
    if host[0].isdigit():
        return [socket.gethostbyname(host)]
    address, _, port = names.address.rpartition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [address], int(port)
    return [record.address for record in resolver.resolve(f"{host}.", "A")]
