"""Stands between a program and DynamoDB, and spoils what it is told to."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

WRITES = {"UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
DENIED = json.dumps(
    {
        "__type": "com.amazon.coral.service#AccessDeniedException",
        "Message": "User is not authorized to perform this action",
    }
).encode()


class Proxy:
    """`lose("UpdateItem")`: the next such request is carried out, and its answer never sent.
    `down()`: for the length of the block, connections are closed without a word.
    `silent()`: they are held open instead.
    """

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target).netloc
        self._lost: list[str] = []
        self._is_up = threading.Event()
        self._is_up.set()
        self._holds = False
        self.requests = 0
        self._writes: list[bytes] = []
        self.operations: list[str] = []
        self.denied: set[str] = set()
        """Operations that the client has no right to. DynamoDB does not hear of them."""
        self.answers: dict[str, Callable[[bytes], tuple[int, bytes]]] = {}
        """By operation: what the client gets, made of what DynamoDB answers."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy.handle(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Proxy:
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_up.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def writes(self, key: str) -> int:
        """How many writes have named this key."""
        return sum(key.encode() in body for body in self._writes)

    def lose(self, operation: str, times: int = 1) -> None:
        self._lost += [operation] * times

    @contextmanager
    def down(self, holds: bool = False) -> Iterator[None]:
        self._holds = holds
        self._is_up.clear()
        try:
            yield
        finally:
            self._is_up.set()

    def silent(self):
        return self.down(holds=True)

    def handle(self, client: BaseHTTPRequestHandler) -> None:
        body = client.rfile.read(int(client.headers.get("Content-Length", 0)))
        self.requests += 1
        if client.headers.get("X-Amz-Target", "").rpartition(".")[2] in WRITES:
            self._writes.append(body)
        if not self._is_up.is_set():
            if self._holds:
                self._is_up.wait()
            client.close_connection = True
            return
        operation = client.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.operations.append(operation)
        if operation in self.denied:
            self._send(client, 400, DENIED, {})
            return
        upstream = http.client.HTTPConnection(self._target, timeout=30)
        headers = {k: v for k, v in client.headers.items() if k.lower() != "connection"}
        upstream.request("POST", client.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if operation in self._lost:
            self._lost.remove(operation)
            client.close_connection = True
            return
        status = answer.status
        if operation in self.answers:
            status, data = self.answers[operation](data)
        self._send(client, status, data, dict(answer.getheaders()))

    @staticmethod
    def _send(
        client: BaseHTTPRequestHandler, status: int, data: bytes, headers: dict[str, str]
    ) -> None:
        client.send_response(status)
        ours = {"connection", "transfer-encoding", "content-length", "date", "x-amz-crc32"}
        for name, value in headers.items():
            if name.lower() not in ours:
                client.send_header(name, value)
        client.send_header("Content-Length", str(len(data)))
        client.end_headers()
        client.wfile.write(data)
