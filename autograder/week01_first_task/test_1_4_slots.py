"""1.4: as many tasks at once as there are slots, and no hoarding of messages."""

from __future__ import annotations

from random import Random

import pytest

from autograder.engine import wait
from autograder.engine.card import fail
from autograder.engine.student import Student
from autograder.engine.worker import Worker
from autograder.week01_first_task import articles, broker
from bootcamp.providers import Fault, JournalEntry, OpenAIControl
from bootcamp.stack import Run

pytestmark = pytest.mark.item("1.4")

SLOW_SECONDS = 0.5
ROUNDS = 2
SETTLE_SECONDS = 3.0


def most_at_once(entries: list[JournalEntry]) -> int:
    """The largest number of requests under way at the same time."""
    moments = [(entry.started, 1) for entry in entries]
    moments += [(entry.ended, -1) for entry in entries if entry.ended is not None]
    running = peak = 0
    for _, change in sorted(moments):
        running += change
        peak = max(peak, running)
    return peak


def test_slots_work_side_by_side(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random, slots: int
) -> None:
    count = slots * ROUNDS
    openai.script(Fault.slow(SLOW_SECONDS, times=None))
    ids = [articles.enqueue(student, title) for title in articles.titles(rng, count)]
    for task_id in ids:
        articles.outcome(run, task_id, timeout=SLOW_SECONDS * count + 10)
    entries = openai.journal("chat")
    sent = f"{count} tasks of {SLOW_SECONDS} s to a worker started with WORKER_CONCURRENCY={slots}"
    if len(entries) < count:
        fail(
            sent=sent,
            expected=f"{count} summaries",
            got=f"{len(entries)} requests to the model",
            cause="tasks were lost or failed: see the worker's log",
            log=worker.tail(),
        )
    if (peak := most_at_once(entries)) != slots:
        fail(
            sent=sent,
            expected=f"{slots} of them at work at the same time, so {ROUNDS} rounds",
            got=f"at most {peak} at work at the same time",
            cause="`worker_concurrency` does not come from `worker_settings().worker_concurrency`",
        )


def test_leaves_messages_for_others(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random, slots: int
) -> None:
    count = slots * 5
    openai.script(Fault.slow(SLOW_SECONDS, times=None))
    ids = [articles.enqueue(student, title) for title in articles.titles(rng, count)]
    client = broker.database(run, broker.BROKER)
    wait.until(lambda: len(openai.journal("chat")) >= slots, SETTLE_SECONDS)
    reserved = max(int(client.hlen("unacked")) for _ in range(3))
    client.delete(*{message.queue for message in broker.waiting(run)} or {"nothing"})
    for task_id in ids[: reserved + slots]:
        articles.outcome(run, task_id, timeout=0.01)
    if reserved > slots:
        fail(
            sent=f"{count} slow tasks to one worker with {slots} slots",
            expected=f"at most {slots} messages reserved, the rest left in the queue for others",
            got=f"{reserved} messages reserved by this one worker",
            cause="`worker_prefetch_multiplier` is still Celery's 4: for long tasks it should be 1",
        )
