"""Read queues, messages and results from Redis, and stop it for a moment."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Timer
from typing import Any

import redis

from autograder.card import fail
from autograder.process.worker import Worker
from bootcamp import bounds
from bootcamp.stack import Run

BROKER, RESULTS = 0, 1
DATABASES = 16
"""How many databases a Redis server has."""
ANSWER_SECONDS = 10.0
"""A Redis server that has not answered after this time counts as down."""
QUEUE = "celery"
"""The queue that the workers of weeks 2 to 7 consume. A message in any other list reaches nobody."""
ASIDE = "not-consumed"
"""A queue that no worker consumes, so the messages in it stay where a grader can read them."""

RESULT_KEY = "celery-task-meta-{}"
BLOCKED = "b"
"""The flag that Redis gives a client that waits in BRPOP."""


@dataclass(frozen=True)
class Message:
    """One message in a queue."""

    queue: str
    raw: dict[str, Any]

    @property
    def headers(self) -> dict[str, Any]:
        """Celery's headers: `task`, `id`, `eta`, … Empty if Celery did not write the message."""
        headers = self.raw.get("headers")
        return headers if isinstance(headers, dict) else {}

    @property
    def body(self) -> bytes:
        """The body without kombu's base64 encoding. Empty if it has another one."""
        try:
            return base64.b64decode(str(self.raw.get("body")))
        except ValueError:  # no base64, or no text at all
            return b""


def database(run: Run, number: int) -> redis.Redis:
    """Connect to one database of the run's Redis server."""
    return redis.Redis.from_url(f"{run.redis_url}/{number}", socket_timeout=ANSWER_SECONDS)


@contextmanager
def silent(run: Run, seconds: float | None = None) -> Iterator[Event]:
    """Stop Redis: it accepts connections and never answers, as if the network dropped packets.

    Args:
        seconds: for how long; by default, to the end of the block.

    Yields an event that is set when Redis goes on.
    """
    pid, over = run.redis.process.pid, Event()

    def go_on() -> None:
        over.set()
        os.kill(pid, signal.SIGCONT)

    os.kill(pid, signal.SIGSTOP)
    timer = Timer(seconds, go_on) if seconds is not None else None
    if timer:
        timer.start()
    try:
        yield over
    finally:
        if timer:
            timer.cancel()
        go_on()


@contextmanager
def not_taken(run: Run, worker: Worker) -> Iterator[None]:
    """Pause the worker, so that messages stay in the queue and can be read there.

    A paused worker still waits in a BRPOP that Redis would answer, so this call is ended first.
    """
    client = database(run, BROKER)
    with worker.paused():
        for one in client.client_list():
            if BLOCKED in one["flags"]:
                client.client_unblock(int(one["id"]))
        yield


def waiting(run: Run, number: int = BROKER) -> list[Message]:
    """Read every message from all lists of a database."""
    client = database(run, number)
    found = []
    for key in client.scan_iter(_type="list"):
        _check_size(client, key)
        for text in client.lrange(key, 0, -1):
            raw = parsed(text)
            if isinstance(raw, dict):
                found.append(Message(key.decode(errors="replace"), raw))
    return found


def parsed(text: bytes | str) -> Any:
    """What stands in a JSON text, or `None` if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _check_size(client: redis.Redis, key: bytes | str) -> None:
    """Check that what Redis holds under a key can be read into this process.

    Raises:
        CheckFailed: it is too much.
    """
    size = client.memory_usage(key, samples=0)
    if isinstance(size, int) and size > bounds.MAX_ANSWER_BYTES:
        most = bounds.MAX_ANSWER_BYTES // bounds.MIB
        fail(
            sent=f"a look at {key!r} in Redis",
            expected=f"at most {most} MiB",
            got=f"{size // bounds.MIB} MiB",
            cause="the message or result is far larger than the work needs. Send references, not contents",
        )


def taken(run: Run, number: int = BROKER) -> list[Message]:
    """Read the messages that workers have taken and not acknowledged."""
    found = []
    client = database(run, number)
    _check_size(client, "unacked")
    for text in client.hvals("unacked"):  # type: ignore[union-attr]
        match parsed(text):
            case [dict() as raw, _, queue]:
                found.append(Message(str(queue), raw))
    return found


def put_aside(run: Run, number: int = BROKER) -> list[Message]:
    """Read the messages in the queue `ASIDE`, and delete them."""
    found = [message for message in waiting(run, number) if message.queue == ASIDE]
    database(run, number).delete(ASIDE)
    return found


def unacknowledged(run: Run) -> int:
    """Count the messages that workers have taken and not acknowledged."""
    return int(database(run, BROKER).hlen("unacked"))  # type: ignore[arg-type]


def result(run: Run, task_id: str) -> tuple[bytes, int] | None:
    """Read a stored result and the seconds until it expires (-1: never), or `None`."""
    client, key = database(run, RESULTS), RESULT_KEY.format(task_id)
    value = _value(client, key)
    return None if value is None else (value, int(client.ttl(key)))


def ended_anywhere(run: Run, task_id: str) -> dict[str, Any] | None:
    """Read the result of a task that has ended, from whichever database holds it.

    Before item 1.1 is done, results are not in database 1. A result that is no JSON is returned as
    `{"result": bytes}`: its format is 1.1's concern.
    """
    for number in (RESULTS, BROKER, *range(2, DATABASES)):
        value = _value(database(run, number), RESULT_KEY.format(task_id))
        if value is not None:
            meta = parsed(value)
            if meta is None:
                return {"result": value}
            ended = isinstance(meta, dict) and meta.get("status") in ("SUCCESS", "FAILURE")
            return meta if ended else None
    return None


def _value(client: redis.Redis, key: str) -> bytes | None:
    _check_size(client, key)
    value = client.get(key)
    return value if isinstance(value, bytes) else None


def progress(run: Run, task_id: str) -> dict[str, Any]:
    """Read what a task has stored in the state `PROGRESS`. Empty in any other state."""
    stored = result(run, task_id)
    match parsed(stored[0]) if stored else None:
        case {"status": "PROGRESS", "result": dict() as found}:
            return found
    return {}
