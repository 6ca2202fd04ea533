"""A feed is asked twelve times within an hour, and changes once. What does it cost?"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POLLS = 12
CHANGES_AT = 7
FEED = b"<entry>A story of the harbour</entry>" * 1000


class Feed(BaseHTTPRequestHandler):
    """Answers 304 without a body to a client that has this version already."""

    version = '"v1"'
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = self.headers.get("If-None-Match") == Feed.version
        body = b"" if known else FEED
        self.send_response(304 if known else 200)
        self.send_header("ETag", Feed.version)
        if not known:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def feed_server() -> Iterator[HTTPConnection]:
    """Run the server, and yield a connection to it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = HTTPConnection("127.0.0.1", server.server_port)
    yield connection
    connection.close()
    server.shutdown()
    server.server_close()


def an_hour(connection: HTTPConnection, *, conditional: bool) -> tuple[int, int]:
    """Poll for an hour. Returns how many responses had a body, and how many bytes those were."""
    Feed.version, known, full, size = '"v1"', "", 0, 0
    for poll in range(POLLS):
        if poll == CHANGES_AT:
            Feed.version = '"v2"'
        headers = {"If-None-Match": known} if conditional and known else {}
        connection.request("GET", "/feed.xml", headers=headers)
        response = connection.getresponse()
        body = response.read()
        known = response.headers["ETag"]
        full, size = full + (response.status == 200), size + len(body)
    return full, size


def main() -> None:
    with feed_server() as connection:
        for conditional in (False, True):
            full, size = an_hour(connection, conditional=conditional)
            name = "with a condition" if conditional else "without"
            print(f"{name + ':':18}{full:2} of {POLLS} with a body, {size / 1000:5.0f} kB")


if __name__ == "__main__":
    main()
