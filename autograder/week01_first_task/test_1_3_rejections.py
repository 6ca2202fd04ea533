"""1.3: an error of Redis reaches the caller, at the first message and at a later one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from threading import Event, Thread
from typing import Any

import pytest
from redis import Redis

from autograder.sdk import Run, Student, Worker, broker, fail, show
from autograder.week01_first_task import articles

pytestmark = pytest.mark.item("1.3")

PRODUCER = "pipeline.producer"
NO_LIST = "no list"
"""Where the queue should be, Redis has this text, so it rejects each message."""
LONG_SECONDS = 300.0
ANSWER_SECONDS = 15.0
"""Celery tries several times to publish a message."""
MANY, FEW = 400, 5
"""So many titles take long enough to begin rejecting after the first messages."""
LOOK_SECONDS = 0.001


@contextmanager
def empty_queue(student: Student, redis: Redis) -> Iterator[str]:
    """Yield the name of the queue, which is empty. Afterwards it has the messages of before."""
    queue = str(student.read("pipeline.tasks.celery_config", "app.conf.task_default_queue"))
    kept = redis.rename(queue, f"{queue}-kept") if redis.exists(queue) else None
    try:
        yield queue
    finally:
        redis.delete(queue)
        if kept:
            redis.rename(f"{queue}-kept", queue)


@contextmanager
def rejecting_after(redis: Redis, queue: str, few: int) -> Iterator[list[int]]:
    """When a few messages are in the queue, Redis begins to reject. Yields how many there were then."""
    over, found = Event(), [0]

    def reject() -> None:
        while not over.wait(LOOK_SECONDS):
            if redis.llen(queue) >= few:  # type: ignore[operator]
                with redis.pipeline() as both:
                    both.llen(queue)
                    both.set(queue, NO_LIST)
                    found[0] = both.execute()[0]
                return

    thread = Thread(target=reject)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("enqueue_articles", [["Ants", "Bees"]]), ("enqueue_later", ["Ants", LONG_SECONDS])],
    ids=["articles", "later"],
)
def test_a_rejected_message_is_an_error(
    student: Student, run: Run, worker: Worker, function: str, arguments: list[Any]
) -> None:
    """c, e: Redis rejects each message."""
    redis = broker.database(run, broker.BROKER)
    with worker.paused(), empty_queue(student, redis) as queue:
        redis.set(queue, NO_LIST)
        answer = student.ask(PRODUCER, function, *arguments, timeout=ANSWER_SECONDS)
    if answer.ok:
        fail(
            sent=f"producer.{function}(…), while Redis rejects each message",
            expected="an error, because no message is in the queue",
            got=answer.value,
            cause="Celery's error is caught, or the message is sent later by a thread or a timer, "
            "which is lost with this process",
        )


def test_a_later_message_is_rejected(
    student: Student, run: Run, worker: Worker, rng: Random
) -> None:
    """c: some messages are in the queue already when Redis begins to reject them."""
    titles = articles.titles(rng, MANY)
    redis = broker.database(run, broker.BROKER)
    with (
        worker.paused(),
        empty_queue(student, redis) as queue,
        rejecting_after(redis, queue, FEW) as found,
    ):
        answer = student.ask(PRODUCER, "enqueue_articles", titles, timeout=ANSWER_SECONDS)
    if answer.ok and 0 < found[0] < MANY:
        ids = len(answer.value) if isinstance(answer.value, list) else show(answer.value)
        fail(
            sent=f"producer.enqueue_articles(…{MANY} titles…), and after the first ones Redis "
            "rejects each message",
            expected="an error, because not all messages are in the queue",
            got=f"{ids} ids",
            cause="Celery's error is caught when some messages are in the queue already: let it through",
        )
