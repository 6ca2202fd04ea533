"""Stands between the student's code and DynamoDB: sees each request, and may act before it arrives.

So what happens "between your read and your write" happens there each time, not by luck. There is no
way past: the student's code knows an AWS account that exists here alone. Wherever its number stands
in a request the real one is put, and the other way round in answers.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from bootcamp import bounds
from bootcamp.ports import LOOPBACK, free_port, release_port
from bootcamp.stack.addresses import new_account

ONE_ITEM_WRITES = ("UpdateItem", "PutItem", "DeleteItem", "ExecuteStatement")
BATCH_WRITES = (
    "TransactWriteItems",
    "BatchWriteItem",
    "ExecuteTransaction",
    "BatchExecuteStatement",
)
WRITES = frozenset((*ONE_ITEM_WRITES, *BATCH_WRITES))
ANSWER_SECONDS = 30.0
IDLE_SECONDS = 60.0
"""How long a connection may say nothing, or wait for the rest of a request."""
REQUEST_OVERHEAD_BYTES = 1024
"""What a request that is kept takes, beside its body."""
DROPPED_HEADERS = frozenset(
    ("connection", "transfer-encoding", "content-length", "date", "server", "x-amz-crc32")
)
"""Those of one connection, and the checksum of what may have changed on the way."""


@dataclass
class Request:
    """One request to DynamoDB, on its way."""

    operation: str
    body: bytes

    @property
    def writes(self) -> bool:
        """Whether it may change the table."""
        return self.operation in WRITES

    def names(self, text: str) -> bool:
        """Whether a text, such as a job's id, stands in it, however it is written there.

        JSON may write each letter as an escape, and PartiQL has the id within a longer text.
        """
        return json.dumps(text)[1:-1] in self.plain

    @property
    def plain(self) -> str:
        """The body in the one form in which `json.dumps` writes it. What is no JSON stays as it is."""
        try:
            return json.dumps(json.loads(self.body))
        except (ValueError, RecursionError):
            return self.body.decode(errors="replace")

    def limit(self, most: int) -> None:
        """Let a query look at no more than `most` items: DynamoDB may stop earlier, too."""
        asked = json.loads(self.body)
        asked["Limit"] = min(most, asked.get("Limit", most))
        self.body = json.dumps(asked).encode()


Rule = Callable[[Request], bool]
"""Called with each request before it goes on, in the thread that carries it. False: it does not go
on, and its connection is closed without a word.
"""


class DynamoDBProxy:
    """A proxy on a port of its own, in the `with` block.

    Args:
        env: where DynamoDB is, as `Run.environment` says it.

    Attributes:
        environment: where the student's code is told that it is.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._target = urlsplit(env["AWS_ENDPOINT_URL"]).netloc
        self._account, self._shown = env["AWS_ACCESS_KEY_ID"].encode(), new_account().encode()
        self._rule: Rule | None = None
        self._seen: list[Request] = []
        self._seen_bytes = self._written_bytes = 0
        self._port = free_port()
        self._server = _Server((LOOPBACK, self._port), self._handler())
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{self._port}",
            "AWS_ACCESS_KEY_ID": self._shown.decode(),
        }
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        release_port(self._port)

    @contextlib.contextmanager
    def watching(self, rule: Rule = lambda _: True) -> Iterator[list[Request]]:
        """While this lasts, the rule decides. Gives the list of the requests seen so far."""
        self._seen, self._seen_bytes, self._rule = [], 0, rule
        try:
            yield self._seen
        finally:
            self._rule = None

    @contextlib.contextmanager
    def before(
        self, act: Callable[[], Any], when: Callable[[Request], bool]
    ) -> Iterator[list[Request]]:
        """`act` before the first request that fits `when` goes on. Others meanwhile wait for that."""
        lock, done = threading.Lock(), False

        def rule(request: Request) -> bool:
            nonlocal done
            with lock:
                if not done and when(request):
                    done = True
                    act()
            return True

        with self.watching(rule) as seen:
            yield seen

    def _pass(self, request: Request) -> bool:
        if request.writes:
            self._written_bytes += len(request.body)
            if self._written_bytes > bounds.MAX_WRITTEN_BYTES:
                return False
        if self._rule is None:
            return True
        self._seen_bytes += len(request.body) + REQUEST_OVERHEAD_BYTES
        if self._seen_bytes > bounds.MAX_SEEN_BYTES:
            return False
        self._seen.append(request)
        return self._rule(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        dynamodb_proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # headers and body in one packet
            timeout = IDLE_SECONDS

            def do_POST(self) -> None:
                if self.path != "/":  # DynamoDB has no other
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                length = self.headers.get("Content-Length", "0")
                if not length.isdecimal() or int(length[:20]) > bounds.MAX_REQUEST_BYTES:
                    self.close_connection = True
                    self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                    return
                body = self.rfile.read(int(length))
                operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
                request = Request(operation, body)
                if not dynamodb_proxy._pass(request):
                    self.close_connection = True
                    return
                status, headers, data = self._forward(request.body)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
                shown, real = dynamodb_proxy._shown, dynamodb_proxy._account
                headers = {
                    name: text.replace(shown.decode(), real.decode())
                    for name, text in _end_to_end(self.headers)
                }
                upstream = http.client.HTTPConnection(
                    dynamodb_proxy._target, timeout=ANSWER_SECONDS
                )
                with contextlib.closing(upstream):
                    upstream.request("POST", "/", body.replace(shown, real), headers)
                    answer = upstream.getresponse()
                    data = answer.read(bounds.MAX_ANSWER_BYTES).replace(real, shown)
                    return answer.status, _end_to_end(answer.headers), data

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _end_to_end(headers: Message) -> list[tuple[str, str]]:
    return [(name, text) for name, text in headers.items() if name.lower() not in DROPPED_HEADERS]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._free = threading.BoundedSemaphore(bounds.MAX_CONNECTIONS)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Each connection takes a thread and a descriptor of the grader's: there are so many."""
        return self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is nobody's trouble."""
