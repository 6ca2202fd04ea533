"""How week 1's graders look into Redis: queues, messages, results."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import redis

from bootcamp.stack import Run

BROKER, RESULTS = 0, 1


@dataclass(frozen=True)
class Message:
    """One message that waits in a queue."""

    queue: str
    raw: dict[str, Any]

    @property
    def task(self) -> str:
        """Name of the task."""
        return str(self.raw["headers"]["task"])

    @property
    def task_id(self) -> str:
        return str(self.raw["headers"]["id"])

    @property
    def body(self) -> bytes:
        return base64.b64decode(self.raw["body"])


def database(run: Run, number: int) -> redis.Redis:
    """One database of the run's Redis server."""
    return redis.Redis.from_url(f"{run.redis_url}/{number}")


def waiting(run: Run, number: int = BROKER) -> list[Message]:
    """Every message that waits in a list of a database."""
    client = database(run, number)
    found = []
    for key in client.scan_iter(_type="list"):
        for text in client.lrange(key, 0, -1):
            try:
                found.append(Message(key.decode(), json.loads(text)))
            except ValueError:
                continue
    return found


def result(run: Run, task_id: str) -> tuple[bytes, int] | None:
    """A stored result and the seconds that it has left (-1: for ever), or `None`."""
    client = database(run, RESULTS)
    key = f"celery-task-meta-{task_id}"
    value = client.get(key)
    return None if value is None else (value, int(client.ttl(key)))
