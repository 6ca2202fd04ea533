"""Where the delay of a waiting step is kept, as the table and the broker show it."""

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
    """A message for the third step of a job, with a time before which it must not run."""

    job_id: str
    due: float
    """Seconds since 1970."""


def held_by_broker(run: Run, ids: set[str]) -> list[Sent]:
    """Return the delayed messages of these jobs, in a queue or held by a worker."""
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
    """Return the delay that a job's row keeps, in seconds. None: a message keeps it, or there is none.

    While a message keeps the delay, the row is due `REDRIVE_SECONDS` later than the delay ends.
    """
    seconds = due_after(row) if is_waiting(row) else None
    return seconds if seconds is not None and seconds < settings.redrive_seconds / 2 else None
