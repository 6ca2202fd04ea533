"""Looks into the broker: how many messages wait, and how old the oldest is.

The depth of a queue does not tell whether somebody waits too long: a thousand messages may be done in a
minute, and ten may wait for an hour. The age of the oldest message tells it.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from celery.signals import before_task_publish
from redis import Redis

from pipeline.settings import BROKER_DATABASE, worker_settings

ANSWER_SECONDS = 1.0
"""How long Redis may take to connect, and to answer."""
PUBLISHED_AT = "published_at"
"""The header of a message that holds the time of its publishing, in seconds since 1970."""
UNACKED = "unacked"
"""The hash of the messages that workers have taken and not acknowledged."""


@before_task_publish.connect
def stamp(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Write the time into each message. Celery itself does not, so nobody could tell its age."""
    if headers is not None:
        headers[PUBLISHED_AT] = time.time()


@cache
def broker() -> Redis:
    """Return this process's client of the broker."""
    return Redis.from_url(
        worker_settings().redis_database(BROKER_DATABASE),
        socket_connect_timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        decode_responses=True,
    )


def oldest_age(client: Redis, queue: str, now: float) -> float | None:
    """Return the age of the oldest message that waits in a queue.

    Args:
        client: the broker. It returns texts.
        queue: the queue, which is a Redis list of this name. A producer adds a message at the left end
            of the list, and a worker takes one from the right end. A message is a JSON object. Its
            `headers` is an object that holds `PUBLISHED_AT`.
        now: the time, in seconds since 1970.

    Returns:
        Seconds. None: no message waits, or the message does not say when it was published.

    Raises:
        RedisError: the broker cannot be reached.
    """
    # BEGIN SOLUTION 8.6
    # ? h) Read the message that a worker takes next, and no other: a backlog has thousands of them, and
    # ? it must stay as it is.
    # ? i) Return `now` minus the time of its publishing, and 0.0 if that is negative, because the clocks
    # ? of two machines differ.
    # ? j) Return None if the queue is empty. Return None too if the message is not JSON, or if it has no
    # ? such header: every process may write to a queue, and a message can be from before this week.
    text: Any = client.lindex(queue, -1)
    try:
        published = float(json.loads(text)["headers"][PUBLISHED_AT])
    except (ValueError, KeyError, TypeError):
        return None
    return max(0.0, now - published)
    # END SOLUTION


@dataclass(frozen=True)
class QueueState:
    """One queue, as it is now."""

    name: str
    waiting: int
    oldest_seconds: float | None
    """None: the queue is empty, or the age is not known."""


def queue_states() -> list[QueueState]:
    """Return the state of every queue. Given to students complete.

    Raises:
        RedisError: the broker cannot be reached.
    """
    from pipeline.tasks.routing import QUEUES  # it needs the app, which needs the wiring

    client, now = broker(), time.time()
    states = []
    for name in QUEUES:
        waiting: Any = client.llen(name)
        states.append(QueueState(name, int(waiting), _age(client, name, now)))
    return states


def unacknowledged() -> int:
    """Return how many messages workers have taken and not acknowledged. They are in no queue."""
    found: Any = broker().hlen(UNACKED)
    return int(found)


def _age(client: Redis, name: str, now: float) -> float | None:
    try:
        age = oldest_age(client, name, now)
    except NotImplementedError:  # until the exercise is done
        return None
    return age if age is not None and math.isfinite(age) else None
