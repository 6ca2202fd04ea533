"""1.3: the producer enqueues without waiting; a delayed task starts no earlier than asked."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import OpenAIControl, Run, Student, TookTooLong, Worker, fail
from autograder.week01_first_task import articles

pytestmark = pytest.mark.item("1.3")

PRODUCER = "pipeline.producer"
RETURN_SECONDS = 4.0
"""Enqueueing takes far less than this, even on a busy machine."""
DELAY_SECONDS = 1.0
LATEST_SECONDS = 5 * DELAY_SECONDS + 3
LONG_SECONDS = 300.0
RESULT_SECONDS = 15.0


def test_enqueues_without_waiting(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    titles = articles.titles(rng, rng.randint(5, 7))
    titles.append(titles[0])  # the same article twice is two tasks
    sent = f"producer.enqueue_articles(…{len(titles)} titles…), while no worker takes messages"
    with worker.paused():
        try:
            ids = student.call(PRODUCER, "enqueue_articles", titles, timeout=RETURN_SECONDS)
        except TookTooLong:
            fail(
                sent=sent,
                expected="it returns at once, because enqueueing needs no worker",
                got=f"it was still waiting after {RETURN_SECONDS:g} s",
                cause="it waits for a result, with `.get()` or a loop over `.ready()`",
            )
        if asked := openai.journal("chat"):
            fail(
                sent=sent,
                expected="messages in the queue, and no summary yet",
                got=f"the producer asked the model itself, {len(asked)} times",
                cause="the task was called like an ordinary function, so it ran in the producer",
            )
    check_ids(sent, ids, len(titles))
    check_order(sent, run, ids, titles)


def check_ids(sent: str, ids: Any, count: int) -> None:
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        fail(
            sent=sent,
            expected="a list of task ids, each a string",
            got=ids,
            cause="return the `.id` of each `AsyncResult` that `.delay(…)` returns",
        )
    if not len(ids) == len(set(ids)) == count:
        fail(
            sent=sent,
            expected=f"{count} different ids, one per title",
            got=f"{len(ids)} ids, {len(set(ids))} different",
            cause="two equal titles must make two tasks",
        )


def check_order(sent: str, run: Run, ids: list[str], titles: list[str]) -> None:
    for number, (task_id, title) in enumerate(zip(ids, titles, strict=True), start=1):
        ended = articles.outcome(run, task_id, RESULT_SECONDS)
        found = (ended or {}).get("result")
        if not isinstance(found, dict) or found.get("title") != title:
            fail(
                sent=sent,
                expected=f"id number {number} belongs to title number {number}, {title!r}",
                got=f"the task with this id returned {found!r}",
                cause="the ids are not in the titles' order, or are not the tasks' ids",
            )


def test_an_empty_list_is_no_task(student: Student) -> None:
    ids = student.call(PRODUCER, "enqueue_articles", [])
    if ids != []:
        fail(
            sent="producer.enqueue_articles([])",
            expected="an empty list",
            got=ids,
            cause="there is one id per title, and this list has no titles",
        )


@pytest.mark.usefixtures("worker")
def test_a_delayed_task_waits(student: Student, openai: OpenAIControl, rng: Random) -> None:
    [title] = articles.titles(rng, 1)
    sent = f"producer.enqueue_later({title!r}, {DELAY_SECONDS})"
    started = time.monotonic()
    task_id = student.call(PRODUCER, "enqueue_later", title, DELAY_SECONDS, timeout=30.0)
    if not isinstance(task_id, str):
        fail(sent=sent, expected="the task's id, a string", got=task_id, cause="return the `.id`")
    arrivals = articles.wait_for_requests(openai, title, 1, timeout=LATEST_SECONDS)
    if not arrivals:
        fail(
            sent=sent,
            expected=f"the task runs about {DELAY_SECONDS} s later",
            got=f"it had not run after {LATEST_SECONDS:g} s",
            cause="the start time was calculated from the local clock, or not in seconds",
        )
    waited = arrivals[0].started - started
    if waited < 0.8 * DELAY_SECONDS:
        fail(
            sent=sent,
            expected=f"it starts no earlier than {DELAY_SECONDS} s from now",
            got=f"it started after {waited:.2f} s",
            cause="the delay was not passed to Celery, or not in seconds",
        )


@pytest.mark.usefixtures("worker")
def test_the_producer_does_not_wait_for_the_delay(student: Student, rng: Random) -> None:
    [title] = articles.titles(rng, 1)
    try:
        student.call(PRODUCER, "enqueue_later", title, LONG_SECONDS, timeout=RETURN_SECONDS)
    except TookTooLong:
        fail(
            sent=f"producer.enqueue_later({title!r}, {LONG_SECONDS})",
            expected="the producer returns at once, and the worker waits for the delay",
            got=f"it was still waiting after {RETURN_SECONDS:g} s",
            cause="the producer sleeps, or waits for the result",
        )
