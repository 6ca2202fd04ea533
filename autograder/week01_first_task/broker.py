"""How week 1's graders look into Redis: queues, messages, results."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import redis

from bootcamp.stack import Run

BROKER, RESULTS = 0, 1
ANSWER_SECONDS = 10.0
"""A Redis that says nothing for so long will not answer."""
ASIDE = "not-consumed"
"""A queue that no worker consumes: messages in it stay to be looked at."""


@dataclass(frozen=True)
class Message:
    """One message that waits in a queue."""

    queue: str
    raw: dict[str, Any]

    @property
    def headers(self) -> dict[str, Any]:
        """Celery's own: `task`, `id`, `eta`, … Empty if the message is none of Celery's."""
        headers = self.raw.get("headers")
        return headers if isinstance(headers, dict) else {}

    @property
    def body(self) -> bytes:
        """As it was sent, without kombu's base64."""
        return base64.b64decode(str(self.raw.get("body")))


def database(run: Run, number: int) -> redis.Redis:
    """One database of the run's Redis server."""
    return redis.Redis.from_url(f"{run.redis_url}/{number}", socket_timeout=ANSWER_SECONDS)


def waiting(run: Run, number: int = BROKER) -> list[Message]:
    """Every message that waits in a list of a database."""
    client = database(run, number)
    found = []
    for key in client.scan_iter(_type="list"):
        for text in client.lrange(key, 0, -1):
            try:
                raw = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(raw, dict):
                found.append(Message(key.decode(), raw))
    return found


def put_aside(run: Run, number: int = BROKER) -> list[Message]:
    """The messages in the queue `ASIDE`, which is empty after."""
    found = [message for message in waiting(run, number) if message.queue == ASIDE]
    database(run, number).delete(ASIDE)
    return found


def unacknowledged(run: Run) -> int:
    """How many messages workers have taken and not acknowledged."""
    return int(database(run, BROKER).hlen("unacked"))  # type: ignore[arg-type]


def result(run: Run, task_id: str) -> tuple[bytes, int] | None:
    """A stored result and the seconds that it has left (-1: for ever), or `None`."""
    client = database(run, RESULTS)
    key = f"celery-task-meta-{task_id}"
    value = client.get(key)
    return (value, int(client.ttl(key))) if isinstance(value, bytes) else None
