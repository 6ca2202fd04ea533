"""1.3: the producer enqueues without waiting; a delayed task starts no earlier than asked.

What a submission could fake:
- counts: each title must reach the model as often as it was enqueued, neither less nor more.
- witness: results in Redis can be written by the producer. So the producer is ended before the worker
  goes on, and the model must be asked after that.
- place: titles and delays are random.
- store: each message is compared with its title, and its task must run. A list that no worker reads is
  not enough.
- probe: the queue that holds a text (`test_1_3_rejections.py`) can be seen, and refusing to publish is what
  is wanted then.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from autograder.sdk import (
    OpenAIControl,
    Run,
    Student,
    TookTooLong,
    Worker,
    broker,
    fail,
    made,
    until,
)
from autograder.week01_first_task import articles

pytestmark = pytest.mark.item("1.3")

PRODUCER = "pipeline.producer"
NAME = "pipeline.summarize_article"
RETURN_SECONDS = 4.0
"""Enqueueing takes far less than this, even on a busy machine."""
AT_ONCE_SECONDS = 0.8
"""Less than Celery waits for the answers of workers, and a hundred times what a message takes."""
TRY_SECONDS = 4.0
DELAY_SECONDS = 1.0
LATEST_SECONDS = 5 * DELAY_SECONDS + 3
LONG_SECONDS = 300.0
RESULT_SECONDS = 15.0
SHOWN_SECONDS = 5.0
"""A message is in Redis all the time, except while a worker takes it."""
TOLERANCE = timedelta(seconds=0.02)


def test_enqueues_without_waiting(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """a, b, c: ids in order, messages in Redis, no wait for a worker."""
    titles = articles.titles(rng, rng.randint(5, 7))
    titles[2] = f"  Über  {titles[2]}, 北京\n"
    titles += ["", "  ", *[titles[0]] * 3]  # a blank title is a title; equal ones are tasks each
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
        check_enqueued(sent, run, ids, titles)
        student.leave_only(worker)
    check_order(sent, run, ids, titles)
    check_asked(sent, openai, titles)


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
            cause=cause_of_missing(ids, count),
        )


def cause_of_missing(ids: list[str], count: int) -> str:
    """Say what is wrong: of the titles, two are blank and one occurs four times."""
    if len(ids) in (count - 1, count - 2):
        return "a blank title is left out: it must make a task too"
    if ids and len(set(ids)) == 1:
        return "there is one task for all titles: there must be one task per title"
    return "two equal titles must make two tasks"


def check_enqueued(sent: str, run: Run, ids: list[str], titles: list[str]) -> None:
    """All messages are in the queue, except for one that the paused worker may have asked for."""
    titled = dict(zip(ids, titles, strict=True))
    found = [one for one in broker.waiting(run) if one.headers.get("id") in titled]
    for message in found:
        task_id = str(message.headers["id"])
        title = titled[task_id]
        task, arguments = message.headers.get("task"), articles.arguments(message)
        if (task, arguments) != (NAME, [title]):
            fail(
                sent=sent,
                expected=f"id number {ids.index(task_id) + 1} belongs to title number "
                f"{ids.index(task_id) + 1}, {title!r}",
                got=f"its message is for {task}, with the arguments {arguments}",
                cause="the ids are not in the titles' order, or a title is changed before it is enqueued",
            )
    if len({message.headers["id"] for message in found}) < len(ids) - 1:
        fail(
            sent=sent,
            expected=f"{len(ids)} messages in Redis when it returns",
            got=f"{len(found)} of them",
            cause="a thread still publishes them, or each task starts the next one: "
            "a process or task that dies loses the others",
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


def check_asked(sent: str, openai: OpenAIControl, titles: list[str]) -> None:
    """The producer has ended, so only the worker can ask the model now: once for each task."""
    for title in titles:
        asked = len(articles.requests_with(openai, title))
        if asked != titles.count(title):
            fail(
                sent=f"{sent}; then the producer ends, and the worker continues",
                expected=f"{titles.count(title)} requests to the model about {title!r}",
                got=f"{asked} requests",
                cause="the worker has not run these tasks: enqueue each with `.delay(…)`",
            )


@pytest.mark.usefixtures("worker")
def test_titles_can_come_from_a_generator(student: Student, run: Run, rng: Random) -> None:
    """a: the titles are read once, and their number is not known before."""
    titles = articles.titles(rng, 3)
    sent = "producer.enqueue_articles(titles), with an iterator of three titles"
    answer = student.ask(PRODUCER, "enqueue_articles", made("builtins", "iter", titles))
    if not answer.ok:
        fail(
            sent=sent,
            expected="three ids",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause="`titles` is an `Iterable`: it may have no length and no index",
        )
    if not isinstance(answer.value, list) or len(answer.value) != len(titles):
        fail(
            sent=sent,
            expected="three ids",
            got=answer.value,
            cause="the titles are read twice, and an iterator has them only once",
        )
    check_order(sent, run, answer.value, titles)


def test_an_empty_list_is_no_task(student: Student) -> None:
    """a: no titles, no ids."""
    ids = student.call(PRODUCER, "enqueue_articles", [])
    if ids != []:
        fail(
            sent="producer.enqueue_articles([])",
            expected="an empty list",
            got=ids,
            cause="there is one id per title, and this list has no titles",
        )


def test_a_delayed_task_waits(
    student: Student, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """d: the task runs, and not before the delay is over. The producer has ended by then."""
    [title] = articles.titles(rng, 1)
    sent = f"producer.enqueue_later({title!r}, {DELAY_SECONDS})"
    started = time.monotonic()
    task_id = student.call(PRODUCER, "enqueue_later", title, DELAY_SECONDS, timeout=30.0)
    if not isinstance(task_id, str):
        fail(sent=sent, expected="the task's id, a string", got=task_id, cause="return the `.id`")
    student.leave_only(worker)
    arrivals = articles.wait_for_requests(openai, title, 1, timeout=LATEST_SECONDS)
    if not arrivals:
        fail(
            sent=sent,
            expected=f"the task runs about {DELAY_SECONDS} s later",
            got=f"it had not run after {LATEST_SECONDS:g} s",
            cause="the start time was calculated from the local clock, or not in seconds, or the "
            "message expires before it is due, or a timer of the producer sends it, which has ended",
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
    """e: it returns long before the delay is over."""
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


def test_it_returns_at_once(student: Student, worker: Worker, rng: Random) -> None:
    """b, e: no worker answers, and each function returns quickly in one of a few calls."""
    [title] = articles.titles(rng, 1)
    calls: dict[str, list[Any]] = {
        "enqueue_articles": [[title]],
        "enqueue_later": [title, LONG_SECONDS],
    }

    def quick(name: str) -> bool:
        started = time.monotonic()
        student.call(PRODUCER, name, *calls[name], timeout=RETURN_SECONDS)
        return time.monotonic() - started < AT_ONCE_SECONDS

    with worker.paused():
        for name, arguments in calls.items():
            if not until(partial(quick, name), TRY_SECONDS):
                fail(
                    sent=f"producer.{name}({', '.join(map(repr, arguments))}), several times, while "
                    "no worker answers",
                    expected=f"it returns at once, within {AT_ONCE_SECONDS:g} s at least one time",
                    got="it took longer each time",
                    cause="it asks the workers something, or waits, before it returns",
                )


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("least", [10, 2_000, 90_000], ids=["seconds", "minutes", "a day"])
def test_the_delay_is_exact(student: Student, run: Run, rng: Random, least: int) -> None:
    """d: fractions of a second count, and a long delay is not cut."""
    [title] = articles.titles(rng, 1)
    seconds = rng.randint(least, 2 * least) + rng.randint(60, 95) / 100
    asked = datetime.now(UTC)
    task_id = student.call(PRODUCER, "enqueue_later", title, seconds)
    start = until(lambda: start_of(run, task_id), SHOWN_SECONDS)
    earliest = asked + timedelta(seconds=seconds)
    if start is None or start < earliest - TOLERANCE:
        fail(
            sent=f"producer.enqueue_later({title!r}, {seconds}) at {asked:%H:%M:%S.%f} UTC",
            expected=f"a message in Redis with a start no earlier than {earliest.isoformat()}",
            got=f"one that may start at {start.isoformat()}" if start else "no such message",
            cause="the delay is rounded, or limited, or its days are left out"
            if start
            else "the message has no start time, or another id, or it is sent by a timer",
        )


def start_of(run: Run, task_id: str) -> datetime | None:
    """When a task that is not due yet may start; `None` if no message says so."""
    for message in (*broker.waiting(run), *broker.taken(run)):
        if message.headers.get("id") == task_id:
            try:
                return datetime.fromisoformat(str(message.headers.get("eta"))).astimezone(UTC)
            except ValueError:
                return None
    return None
