"""Lets week 2's graders read the queue and the results, and stop Redis."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import redis

from autograder.sdk import Run, Student, broker, fail, until
from autograder.sdk.blobs import write_below

META = "celery-task-meta-"
PROCESS = "pipeline.tasks.process"
ENDED = ("SUCCESS", "FAILURE")


def message(run: Run, task_id: str) -> broker.Message | None:
    """Return the message of a task if it waits in the queue that the worker consumes."""
    found = (one for one in broker.waiting(run) if one.queue == broker.QUEUE)
    waiting = (one for one in found if one.headers.get("id") == task_id)
    return next(waiting, None)


def remove(run: Run, task_id: str) -> None:
    """Remove the messages of a task from the broker, so that no worker gets them."""
    client = broker.database(run, broker.BROKER)
    for key in client.scan_iter(_type="list"):
        for text in client.lrange(key, 0, -1):
            content = text if isinstance(text, str) else text.decode()
            if task_id in content:
                client.lrem(key, 0, content)


def arguments(found: broker.Message) -> list[Any]:
    """Return the arguments in a message, both positional and named."""
    with suppress(ValueError, TypeError, AttributeError, RecursionError):
        args, kwargs, _ = json.loads(found.body)
        return [*args, *kwargs.values()]
    return []


def records(run: Run) -> set[str]:
    """Return the ids of all tasks for which the result backend stores a state."""
    keys = broker.database(run, broker.RESULTS).scan_iter(f"{META}*")
    return {key.decode("utf-8", "replace").removeprefix(META) for key in keys}


def plant(run: Run, task_id: str, status: str, result: Any, **more: Any) -> None:
    """Store a state in the form that Celery uses."""
    meta = {"status": status, "result": result, "traceback": None, "children": []}
    text = json.dumps({**meta, "date_done": None, "task_id": task_id, **more})
    broker.database(run, broker.RESULTS).set(f"{META}{task_id}", text, ex=600)


def meta_in(stored: bytes) -> dict[str, Any]:
    """Parse a value of the result backend. The dict is empty if Celery did not write it."""
    meta = broker.parsed(stored)
    return meta if isinstance(meta, dict) else {}


def outcome(run: Run, task_id: str, timeout: float) -> dict[str, Any] | None:
    """Wait until a task has ended, and return what is stored about it."""

    def ended() -> dict[str, Any] | None:
        stored = broker.result(run, task_id)
        meta = meta_in(stored[0]) if stored else {}
        return meta if meta.get("status") in ENDED else None

    return until(ended, timeout)


@dataclass
class Watch:
    """Every state of a task, in order. Celery publishes each state that it stores."""

    task_id: str
    channel: redis.client.PubSub
    seen: list[dict[str, Any]] = field(default_factory=list)

    def until_it_ends(self, timeout: float) -> bool:
        """Collect states, and return whether the last one is an end."""
        return bool(until(self._ended, timeout))

    def _ended(self) -> bool:
        while message := self.channel.get_message():
            if message["type"] == "message":
                self.seen.append(meta_in(message["data"]))
        return bool(self.seen) and self.seen[-1].get("status") in ENDED

    @property
    def states(self) -> list[str]:
        """Return the names of the states. Equal states in a row are listed once."""
        names = [str(one.get("status")) for one in self.seen]
        return [name for at, name in enumerate(names) if names[at - 1 : at] != [name]]


@contextmanager
def watching(run: Run, task_id: str) -> Iterator[Watch]:
    """Subscribe to a task's states before it is enqueued."""
    with broker.database(run, broker.RESULTS).pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(f"{META}{task_id}")
        channel.get_message(timeout=5.0)  # the subscription itself
        yield Watch(task_id, channel)


def put_document(run: Run, content: bytes) -> dict[str, Any]:
    """Write a document into the blob store, as an upload does. Return the message for its task."""
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    if not write_below(run.blob_folder, key, content):
        fail(
            sent=f"a document, written to the blob store under {key}",
            expected="a folder `uploads` in the blob store",
            got="a link or a file in its place",
            cause="your code replaced a folder of the blob store. Store documents with "
            "`blob_store()` only",
        )
    return {
        "document_id": str(uuid.uuid4()),
        "blob_key": key,
        "filename": "keeper.txt",
        "content_type": "text/plain",
    }


def enqueue(student: Student, message: dict[str, Any]) -> None:
    """Enqueue the task directly with Celery, without the API."""
    student.call(
        PROCESS, "process_document.apply_async", args=[message], task_id=message["document_id"]
    )
