"""1.1: broker on database 0, results on database 1, JSON only, UTC, result expiry."""

from __future__ import annotations

import base64
import json
import pickle
import uuid
from pathlib import Path

import pytest

from autograder.engine import wait
from autograder.engine.card import fail
from autograder.engine.student import Student
from autograder.week01_first_task import broker
from bootcamp.stack import Run

pytestmark = pytest.mark.item("1.1")

TASK = "pipeline.tasks.first"
ENQUEUE = 'summarize_article.delay("…")'
RESULT_SECONDS = 10.0


def enqueue(student: Student, run: Run, title: str) -> broker.Message:
    """Enqueue one article and find its message in the broker."""
    student.call(TASK, "summarize_article.delay", title)
    messages = broker.waiting(run)
    if len(messages) != 1:
        elsewhere = [n for n in range(1, 16) if broker.waiting(run, n)]
        fail(
            sent=ENQUEUE,
            expected="one message waiting in Redis database 0",
            got=f"{len(messages)} messages there"
            + (f", and one in database {elsewhere[0]}" if elsewhere else ""),
            cause="`broker_url` names another database, or another server than REDIS_URL",
        )
    return messages[0]


def test_broker_results_json_and_expiry(
    request: pytest.FixtureRequest, student: Student, run: Run, expiry: int, folder: Path
) -> None:
    message = enqueue(student, run, f"article {uuid.uuid4()}")
    check_json(message)
    trap = folder / "pickle-was-opened"
    stranger = plant_pickle(run, message, trap)
    request.getfixturevalue("worker")  # only now: the messages above had to wait
    check_result(run, message.task_id, expiry)
    check_refused(run, stranger, trap)


def check_json(message: broker.Message) -> None:
    content = message.raw.get("content-type")
    try:
        json.loads(message.body)
    except ValueError:
        content = f"{content}, and a body that is no JSON"
    if content != "application/json":
        fail(
            sent=ENQUEUE,
            expected="a message in JSON",
            got=f"content type {content}",
            cause="`task_serializer` is not json",
        )


def check_result(run: Run, task_id: str, expiry: int) -> None:
    stored = wait.until(lambda: broker.result(run, task_id), RESULT_SECONDS)
    sent = f"{ENQUEUE}, run by a worker started with RESULT_EXPIRES_SECONDS={expiry}"
    if stored is None:
        elsewhere = [
            n for n in range(16) if broker.database(run, n).exists(f"celery-task-meta-{task_id}")
        ]
        fail(
            sent=sent,
            expected="a result in Redis database 1",
            got=f"one in database {elsewhere[0]}" if elsewhere else "no result anywhere in Redis",
            cause="`result_backend` names another database, or results are switched off",
        )
    value, seconds = stored
    try:
        json.loads(value)
    except ValueError:
        fail(
            sent=sent,
            expected="a result in JSON",
            got=f"{value[:40]!r}…",
            cause="`result_serializer` is not json",
        )
    if not expiry - 60 <= seconds <= expiry:
        fail(
            sent=sent,
            expected=f"a result that expires in {expiry} s",
            got="a result that never expires"
            if seconds < 0
            else f"one that expires in {seconds} s",
            cause="`result_expires` does not come from `worker_settings().result_expires_seconds`",
        )


class _Trap:
    """Opens as a call: whoever unpickles it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def plant_pickle(run: Run, like: broker.Message, trap: Path) -> str:
    """Put a pickled message behind `like` in its queue, as a stranger would. Returns its task id."""
    task_id = str(uuid.uuid4())
    raw = json.loads(json.dumps(like.raw))
    raw["headers"]["id"] = raw["properties"]["correlation_id"] = task_id
    raw["properties"]["delivery_tag"] = str(uuid.uuid4())
    raw["content-type"], raw["content-encoding"] = "application/x-python-serialize", "binary"
    body = pickle.dumps(((_Trap(trap),), {}, {}), protocol=2)
    raw["body"] = base64.b64encode(body).decode()
    broker.database(run, broker.BROKER).lpush(like.queue, json.dumps(raw))
    return task_id


def check_refused(run: Run, task_id: str, trap: Path) -> None:
    wait.until(lambda: trap.exists() or not broker.waiting(run), 3.0)
    if wait.until(trap.exists, 0.2):
        fail(
            sent="a pickled message from a stranger, put straight into the queue",
            expected="a worker that refuses it: only JSON is opened",
            got="the pickle was opened, and its code ran in the worker",
            cause="`accept_content` allows more than json",
        )


def test_time_is_utc(student: Student, run: Run) -> None:
    """Enqueued on a machine whose clock shows Tokyo time, a countdown is written in UTC."""
    title = f"article {uuid.uuid4()}"
    student.call(
        TASK, "summarize_article.apply_async", [title], countdown=600, queue="not-consumed"
    )
    [message] = [one for one in broker.waiting(run) if one.queue == "not-consumed"]
    broker.database(run, broker.BROKER).delete("not-consumed")
    eta = str(message.raw["headers"].get("eta"))
    if not eta.endswith(("+00:00", "Z")):
        fail(
            sent="a task with countdown=600, from a machine in the time zone Asia/Tokyo",
            expected="a time in UTC in the message",
            got=eta,
            cause="`timezone` or `enable_utc` is set to something else",
        )
