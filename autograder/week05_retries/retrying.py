"""What shows from outside of jobs whose steps wait: in the table, in the broker, at the provider."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from autograder.sdk import Run, broker
from autograder.week05_retries.rows import Item, Settings, due_after, is_waiting

EMBED = "pipeline.embed_chunks"


@dataclass(frozen=True)
class Sent:
    """A message for the third step of a job that the broker holds for a later moment."""

    job_id: str
    due: float
    """Seconds since 1970."""


def held_by_broker(run: Run, ids: set[str]) -> list[Sent]:
    """The messages with a time that a worker has taken, or that wait in a queue, for these jobs."""
    client = broker.database(run, broker.BROKER)
    taken = [_message(text) for text in client.hvals("unacked")]  # type: ignore[union-attr]
    found = [*taken, *(message.raw for message in broker.waiting(run))]
    return [one for raw in found if (one := _sent(raw, ids))]


def _message(text: bytes | str) -> dict[str, Any]:
    try:
        message = json.loads(text)[0]
    except (ValueError, LookupError, TypeError):
        return {}
    return message if isinstance(message, dict) else {}


def _sent(raw: dict[str, Any], ids: set[str]) -> Sent | None:
    headers = raw.get("headers")
    headers = headers if isinstance(headers, dict) else {}
    try:
        due = dt.datetime.fromisoformat(str(headers.get("eta"))).timestamp()
        body = base64.b64decode(str(raw.get("body"))).decode()
    except ValueError:
        return None
    if headers.get("task") != EMBED:
        return None
    return next((Sent(one, due) for one in ids if one in body), None)


def wait_on_row(row: Item, settings: Settings) -> float | None:
    """How long the row of a job keeps its step waiting. None: it does not wait, or its message does.

    When a message waits, the row is due when that must be lost: `REDRIVE_SECONDS` and more.
    """
    seconds = due_after(row) if is_waiting(row) else None
    return seconds if seconds is not None and seconds < settings.redrive_seconds / 2 else None
