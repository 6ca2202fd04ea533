"""Articles with random titles, and what the worker and the model did with each of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

from autograder.sdk import JournalEntry, OpenAIControl, Run, Student, broker, fail, until

SUBJECTS = ("lighthouse", "harbour", "tide", "signal", "pilot", "ferry", "chart", "anchor")
TASK = "pipeline.tasks.first"
POLL_SECONDS = 0.03


def titles(rng: Random, count: int) -> list[str]:
    """Make titles that are all different, so that each one's request to the model can be found."""
    return [f"The {rng.choice(SUBJECTS)} of {rng.getrandbits(48):012x}" for _ in range(count)]


def enqueue(student: Student, title: str, **options: Any) -> str:
    """Enqueue one article by Celery itself, and return the task's id.

    Args:
        options: what `apply_async` gets beside the title.
    """
    handle = student.call(TASK, "summarize_article.apply_async", [title], **options)
    if not (isinstance(handle, dict) and handle.get("__type__") == "AsyncResult"):
        fail(
            sent=f"summarize_article.apply_async([{title!r}])",
            expected="Celery's AsyncResult",
            got=handle,
            cause="`summarize_article` is not a Celery task any more: the decorator was removed",
        )
    return str(handle["value"])


def outcome(run: Run, task_id: str, timeout: float) -> dict[str, Any] | None:
    """Wait until a task has ended, and return what is stored: `{"status": …, "result": …}`."""

    def ended() -> dict[str, Any] | None:
        stored = broker.result(run, task_id)
        if stored is None:
            return None
        try:
            meta = json.loads(stored[0])
        except (ValueError, RecursionError):
            return None
        if not isinstance(meta, dict) or meta.get("status") not in ("SUCCESS", "FAILURE"):
            return None
        return {"result": None, **meta}

    return until(ended, timeout)


@contextmanager
def restarted(student: Student, **env: object) -> Iterator[None]:
    """While this lasts, calls are made in a new process, whose environment has these values.

    A variable whose value is None is not set.
    """
    before = dict(student.env)
    for name, value in env.items():
        if value is None:
            student.env.pop(name, None)
        else:
            student.env[name] = str(value)
    student.renew()
    try:
        yield
    finally:
        student.env.clear()
        student.env.update(before)
        student.renew()


def requests_for(openai: OpenAIControl, title: str) -> list[JournalEntry]:
    """List the requests to the model about one title, in order."""
    return [entry for entry in openai.journal("chat") if any(title in one for one in entry.inputs)]


def requests_with(openai: OpenAIControl, title: str) -> list[JournalEntry]:
    """List the requests to the model that have exactly this title, also an empty one."""
    return [entry for entry in openai.journal("chat") if title in entry.inputs]


def arguments(message: broker.Message) -> list[Any]:
    """Return the arguments in a message, both positional and named. Empty if there are none."""
    with suppress(ValueError, TypeError, AttributeError, RecursionError):
        args, kwargs, _ = json.loads(message.body)
        return [*args, *kwargs.values()]
    return []


def wait_for_requests(
    openai: OpenAIControl, title: str, count: int, timeout: float
) -> list[JournalEntry]:
    """Wait until there are `count` requests about a title. At the deadline, return those there are."""
    deadline = time.monotonic() + timeout
    while True:
        found = requests_for(openai, title)
        if len(found) >= count or time.monotonic() >= deadline:
            return found
        time.sleep(POLL_SECONDS)
