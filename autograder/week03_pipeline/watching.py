"""Records everything that goes through the run's Redis: messages, results, progress."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import redis

from autograder.sdk import Run, broker, until

RESULT_CHANNEL = "celery-task-meta-"
"""The prefix of the channels on which Celery publishes every state that it stores, one per task id."""
SETTLE_SECONDS = 10.0
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_TASK = re.compile(r'"task": ?"([\w.]+)"')


@dataclass(frozen=True)
class Command:
    """One command that a client sent to Redis."""

    text: str

    @property
    def task(self) -> str:
        """The task that it puts into a queue, or ""."""
        found = _TASK.search(self.text) if self.text[:5].upper() in ("LPUSH", "RPUSH") else None
        return found[1] if found else ""

    @property
    def lists(self) -> list[str]:
        """The lists that it reads or writes, if it is a command of a queue."""
        name, *rest = self.text.split(" ")
        if name.upper() == "BRPOP":
            return rest[:-1]
        return rest[:1] if name.upper() in ("LPUSH", "RPUSH") else []

    @property
    def what(self) -> str:
        """A description: a message to a task, a step's result, or the name of the command."""
        name, _, rest = self.text.partition(" ")
        if self.task:
            return f"a message to {self.task}"
        if RESULT_CHANNEL in rest[:60]:
            return "a step's result, which is the next step's argument"
        return f"Redis command {name}"

    def holds(self, words: Iterable[str]) -> list[str]:
        """Return those of the words that the command contains, also in base64."""
        readable = [self.text, *map(_decoded, _BASE64.findall(self.text))]
        return [word for word in words if any(word in text for text in readable)]


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


class Watch:
    """Records every command to Redis and every state that Celery stores, during a `with` block."""

    def __init__(self, run: Run) -> None:
        self._client = redis.Redis.from_url(f"{run.redis_url}/0")
        self._end = f"end-{secrets.token_hex(8)}"
        self._finished: list[str] = []
        self._commands: list[Command] = []
        self._states: list[tuple[str, dict[str, Any]]] = []
        self._monitor = self._client.monitor()  # type: ignore[no-untyped-call]
        self._channels = self._client.pubsub()  # type: ignore[no-untyped-call]
        self._threads = [
            threading.Thread(target=loop, daemon=True)
            for loop in (self._read_commands, self._read_states)
        ]

    def __enter__(self) -> Self:
        self._monitor.__enter__()
        self._channels.psubscribe(f"{RESULT_CHANNEL}*", self._end)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.publish(self._end, self._end)  # both readers see it, and stop
        for thread in self._threads:
            thread.join(SETTLE_SECONDS)
        if error is None and len(self._finished) < len(self._threads):
            raise redis.ConnectionError("the witness lost its connection to Redis")
        self._monitor.connection.disconnect()
        self._channels.close()
        self._client.close()

    def _read_commands(self) -> None:
        while True:
            text = str(self._monitor.next_command()["command"])
            if text.startswith("PUBLISH") and self._end in text:
                break
            self._commands.append(Command(text))
        self._finished.append("commands")

    def _read_states(self) -> None:
        for message in self._channels.listen():
            if message["channel"] == self._end.encode() and message["type"] == "pmessage":
                break
            if message["type"] == "pmessage":
                task_id = message["channel"].decode().removeprefix(RESULT_CHANNEL)
                self._states.append((task_id, _record(message["data"])))
        self._finished.append("states")

    @property
    def commands(self) -> list[Command]:
        """The commands so far."""
        return list(self._commands)

    def tasks(self) -> set[str]:
        """The tasks that were put into the queue that the worker consumes."""
        return {command.task for command in self.commands if broker.QUEUE in command.lists}

    def progress(self, document_id: str) -> list[tuple[str, int]]:
        """Step and percent of each `PROGRESS` that was stored for a document, in order, so far."""
        found = []
        for task_id, record in list(self._states):
            meta = record.get("result")
            if task_id == document_id and record.get("status") == "PROGRESS":
                meta = meta if isinstance(meta, dict) else {}
                percent = meta.get("percent")
                found.append((str(meta.get("step")), percent if type(percent) is int else -1))
        return found

    def settled(self, document_id: str, step: str) -> None:
        """Wait until the progress of this step has been recorded here too."""
        until(lambda: any(name == step for name, _ in self.progress(document_id)), SETTLE_SECONDS)


def _record(data: bytes) -> dict[str, Any]:
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
