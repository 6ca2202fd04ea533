"""8.6: the age of the oldest message of a queue."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

import pytest
import redis

from autograder.sdk import Run, Student, broker, fail, made
from autograder.sdk.answers import number
from autograder.week08_operations.commands import Command, recorded

pytestmark = pytest.mark.item("8.6")

QUEUES = "pipeline.metrics.queues"
MESSAGES, BODY_BYTES = 300, 4_000
MOST_BYTES = 200_000
"""What one look may send. The whole queue is more than a megabyte."""
SLACK_SECONDS = 0.01
ONE_LOOK = ("LINDEX", "LLEN", "EXISTS", "TYPE", "WATCH")
"""The commands that say something of a list, and do not read all of it. `SORT` and `DUMP` do."""


def message(rng: Random, published: Any = None, **headers: Any) -> str:
    """A message as Celery writes it. Without `published` it does not say when it was published."""
    known = {"task": "pipeline.parse_document", "id": f"{rng.getrandbits(64):x}", **headers}
    if published is not None:
        known["published_at"] = published
    return json.dumps({"body": "x" * 20, "headers": known, "properties": {}})


class Line:
    """A queue of the grader's own, which no worker consumes."""

    def __init__(self, student: Student, run: Run, rng: Random) -> None:
        self.name = f"line-{rng.getrandbits(48):x}"
        self.client: redis.Redis = broker.database(run, broker.BROKER)
        self._student = student
        self._address = f"{run.redis_url}/{broker.BROKER}"

    def publish(self, *texts: str) -> None:
        """Add messages as a producer does: at the left end."""
        for text in texts:
            self.client.lpush(self.name, text)

    def age(self, now: float) -> Any:
        client = made("redis", "Redis.from_url", self._address, decode_responses=True)
        return self._student.call(QUEUES, "oldest_age", client, self.name, now)

    def sent_bytes(self) -> int:
        known: Any = self.client.info("stats")
        return int(known["total_net_output_bytes"])


@pytest.fixture
def line(student: Student, run: Run, rng: Random) -> Any:
    made_line = Line(student, run, rng)
    yield made_line
    made_line.client.delete(made_line.name)


def must_be(sent: str, wanted: float | None, got: Any, cause: str) -> None:
    value = None if got is None else number(got)
    right = (
        got is None
        if wanted is None
        else value is not None and abs(value - wanted) <= SLACK_SECONDS
    )
    if not right:
        expected = "None" if wanted is None else f"{wanted:g}"
        fail(sent=sent, expected=expected, got=got, cause=cause)


def test_the_oldest_of_several(line: Line, rng: Random) -> None:
    """h, i: the message that a worker takes next decides, and `now` is the argument."""
    now = 1_700_000_000 + rng.uniform(0, 1e6)
    ages = sorted((rng.uniform(1, 5_000) for _ in range(5)), reverse=True)
    line.publish(*(message(rng, now - age) for age in ages))
    sent = (
        "oldest_age() of a queue whose messages are "
        + ", ".join(f"{a:.0f} s" for a in ages)
        + " old"
    )
    cause = "a producer adds at the left end of the list, so the oldest message is at the right end"
    must_be(sent, ages[0], line.age(now), cause)
    left: Any = line.client.llen(line.name)
    if left != len(ages):
        cause = "look at the message, and leave it where it is"
        fail(sent=sent, expected=f"{len(ages)} messages as before", got=left, cause=cause)


def test_a_long_queue(line: Line, rng: Random) -> None:
    """h: a look at a long queue reads one message."""
    now = time.time()
    age = rng.uniform(10, 90)
    body = "x" * BODY_BYTES
    line.publish(*(message(rng, now - age + at / 100, body=body) for at in range(MESSAGES)))
    before = line.sent_bytes()
    must_be(f"oldest_age() of {MESSAGES} messages", age, line.age(now), "read the right end")
    read = line.sent_bytes() - before
    if read > MOST_BYTES:
        fail(
            sent=f"oldest_age() of {MESSAGES} messages of {BODY_BYTES} bytes",
            expected="one message is read",
            got=f"Redis has sent {read:,} bytes",
            cause="`LINDEX` reads one element of a list, `LRANGE 0 -1` reads them all",
        )


def test_one_message_is_read(line: Line, run: Run, rng: Random) -> None:
    """h: Redis itself says which commands have read the queue, those of a script too."""
    now, age = time.time(), rng.uniform(10, 90)
    line.publish(*(message(rng, now - age + at / 100) for at in range(MESSAGES)))
    with recorded(run, lambda one: one.is_about(line.name)) as seen:
        must_be(f"oldest_age() of {MESSAGES} messages", age, line.age(now), "read the right end")
    reads = {one.words for one in seen if one.name in ("LINDEX", "LRANGE")}
    for one in seen:
        if len(reads) > 1 or not may_look(one):
            fail(
                sent=f"oldest_age() of {MESSAGES} messages",
                expected="one message is read",
                got=str(one),
                cause="`LINDEX` reads one element of a list. A script that reads them all makes Redis wait",
            )


def may_look(one: Command) -> bool:
    """Whether a command reads one element of the queue at most. A script is judged by what it runs."""
    if one.name == "LRANGE":
        return one.words[2:3] == one.words[3:4]
    return one.is_script or one.name in ONE_LOOK


def test_clocks_that_differ(line: Line, rng: Random) -> None:
    """i: a message from the future is 0 s old."""
    now = time.time()
    line.publish(message(rng, now + rng.uniform(0.5, 30)))
    cause = "the clock of the machine that published may be ahead: an age is never negative"
    must_be("oldest_age() of a message that was published after `now`", 0.0, line.age(now), cause)


def test_what_has_no_age(line: Line, rng: Random) -> None:
    """j: an empty queue, and messages that nobody can read, have no age and raise nothing."""
    now = time.time()
    must_be("oldest_age() of an empty queue", None, line.age(now), "nobody waits")
    unreadable = {
        "a message from before week 8": message(rng),
        "a text that is not JSON": f"{{{rng.getrandbits(32):x}",
        "a JSON object without headers": json.dumps({"body": "x"}),
        "headers that are null": json.dumps({"headers": None}),
        "a time that is no number": message(rng, "yesterday"),
    }
    for what, text in unreadable.items():
        line.client.delete(line.name)
        line.publish(text)
        cause = "every process may write to a queue, so read what is there with care"
        must_be(f"oldest_age() of a queue with {what}", None, line.age(now), cause)
