"""Every channel that graders read, with whatever a submission may put into it.

A reader either returns something or raises `CheckFailed`. What gets past it is caught by the referee:
`test_referee.py`.
"""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from autograder.card import Card, CheckFailed, clean, show
from autograder.process.api import Api
from autograder.process.fork_client import last_lines
from autograder.process.rpc_client import Answer, Caller, failure_card
from autograder.sdk import answers, api_log, broker, races, submitting, uploading
from bootcamp import bounds

EXAMPLES = 150
TEXTS = st.text(st.characters(), max_size=20)  # half characters too
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def with_keys(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Records with the names that a reader asks for, and any values under them."""
    return st.dictionaries(st.sampled_from(names), VALUES, max_size=len(names))


MESSAGES = VALUES | with_keys("headers", "body", "properties", "status", "result")
RAW = st.one_of(
    st.binary(max_size=60),
    MESSAGES.map(lambda value: json.dumps(value).encode()),
    MESSAGES.map(lambda value: json.dumps([value, "", "celery"]).encode()),
    st.sampled_from([b"[" * 100_000, b"9" * 5_000, b"1e999", b'"\\ud800"', b"NaN"]),
)
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@contextmanager
def may_fail() -> Iterator[None]:
    """A card is an answer, if it can be written to a page."""
    try:
        yield
    except CheckFailed as failure:
        failure.card.text().encode()


class Store:
    """A Redis in which a submission has put what it likes."""

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key, self.value = key, value
        self.size = len(value)

    def scan_iter(self, _type: str) -> list[bytes]:
        return [self.key]

    def memory_usage(self, key: object, samples: int) -> int:
        return self.size

    def lrange(self, *_: object) -> list[bytes]:
        return [self.value]

    def hvals(self, *_: object) -> list[bytes]:
        return [self.value]

    def get(self, _: object) -> bytes:
        return self.value

    def ttl(self, _: object) -> int:
        return -1

    def delete(self, _: object) -> int:
        return 1


@seed(19)
@fuzzed
@given(key=st.binary(max_size=10), value=RAW)
def test_messages_and_results(monkeypatch: pytest.MonkeyPatch, key: bytes, value: bytes) -> None:
    monkeypatch.setattr(broker, "database", lambda *_: Store(key, value))
    run: Any = None
    with may_fail():
        for one in (*broker.waiting(run), *broker.taken(run), *broker.put_aside(run)):
            assert isinstance(one.queue, str) and isinstance(one.body, bytes)
            assert isinstance(one.headers, dict)
        broker.result(run, "id")
        broker.ended_anywhere(run, "id")


@pytest.mark.parametrize("reader", [broker.waiting, broker.taken])
def test_what_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch, reader: Any) -> None:
    store = Store(b"celery", b"{}")
    store.size = bounds.MAX_ANSWER_BYTES + 1
    monkeypatch.setattr(broker, "database", lambda *_: store)
    with pytest.raises(CheckFailed, match="at most 16 MiB"):
        reader(None)


LINES = st.one_of(
    TEXTS,
    VALUES.map(json.dumps),
    with_keys("ok", "value", "error", "bases", "message", "where").map(
        lambda value: json.dumps({"id": 0, **value})
    ),
    st.sampled_from(["[" * 100_000, '{"id": 0, "value": ' + "9" * 5_000 + "}", "{}", "null"]),
)


@seed(19)
@fuzzed
@given(line=LINES)
def test_lines_of_the_caller(line: str) -> None:
    caller = Caller(lambda: None)  # type: ignore[arg-type,return-value]
    caller._process = SimpleNamespace(stop=lambda **_: None, logs=str)  # type: ignore[assignment]
    with may_fail():
        answer = caller._read(line, "call", 0.1)
        isinstance(answer.error, str) and show(answer.value).encode()
        failure_card("call", answer).text().encode()
        answers.must_be_job("call", answer)


@seed(19)
@fuzzed
@given(said=VALUES, one=with_keys("ok", "value", "error", "bases", "message", "where"))
def test_answers_of_a_race(said: Any, one: dict[str, Any]) -> None:
    for value in (said, [one], [one, said]):
        student: Any = SimpleNamespace(ask=lambda *_, v=value, **__: Answer(True, v, 0.1))
        with may_fail():
            races.race(student, "calls", "m", "f", [[1]])


@seed(19)
@fuzzed
@given(value=VALUES, item=with_keys("id", "status", "steps", "generation"))
def test_rows_and_values(value: Any, item: dict[str, Any]) -> None:
    found = answers.number(value)
    assert found is None or isinstance(found, float)
    answers.number({"__type__": "Decimal", "value": value})
    answers.differs(item, {"status": "x", "steps": {}})
    clean(answers.changed(item, {"id": value})).encode()


@seed(19)
@fuzzed
@given(log=st.text(st.characters(), max_size=300) | st.lists(TEXTS).map("\n".join))
def test_logs(log: str) -> None:
    lines = [*last_lines(log), *api_log.traceback_in(f"Traceback (most recent call last)\n{log}")]
    Card(log=tuple(lines)).cleaned().text().encode()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    says = b""


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(65_536)
        self.request.sendall(self.server.says)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def hostile_api() -> Iterator[tuple[_Server, Api]]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        process: Any = SimpleNamespace(alive=True, recent=lambda: "", logs=lambda: "")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                api_log, "LOG_SECONDS", 0.0
            )  # this log says nothing, however long one waits
            yield server, Api(process, "hostile", server.server_address[1])
        server.shutdown()


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"location", b"content-type", b"content-encoding", b"content-length", b"retry-after",
             b"transfer-encoding", b"set-cookie", b"idempotency-replayed", b"etag"]
        ),
        st.binary(max_size=20) | st.sampled_from([b"gzip", b"chunked", b"-1", b"text/\xff; charset=x"]),
    ),
    max_size=4,
)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=60),
    RAW,
    with_keys("job_id", "status_url", "document", "task_id").map(
        lambda value: json.dumps(value).encode()
    ),
)


@seed(19)
@fuzzed
@given(status=st.sampled_from([b"202", b"200", b"500", b"999", b"x"]), headers=HEADERS, body=BODIES)
def test_answers_over_http(
    hostile_api: tuple[_Server, Api],
    status: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    server, api = hostile_api
    head = b"".join(b"%b: %b\r\n" % one for one in [*headers, (b"connection", b"close")])
    server.says = b"HTTP/1.1 %b OK\r\n%b\r\n%b" % (status, head, body)
    with may_fail():
        response = api.get("/x", timeout=2.0)
        clean(response.text).encode()
        with may_fail():
            api.json(response)
        with may_fail():
            submitting.accepted(api, response, "a document")
        uploading.accepted(api, response, "a document")


def test_a_body_that_is_no_base64() -> None:
    good = broker.Message("q", {"body": base64.b64encode(b"x").decode()})
    assert good.body == b"x"
    bodies: tuple[Any, ...] = ("é", "\ud800", "abc", None, [], 7)
    for body in bodies:
        assert isinstance(broker.Message("q", {"body": body}).body, bytes)
