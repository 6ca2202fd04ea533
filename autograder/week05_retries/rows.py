"""Rows of jobs that wait, have failed or have a dead letter, made without the student's code."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from autograder.sdk import JournalEntry, OpenAIControl, Run, Session, fail, made, until
from autograder.sdk.answers import number, plain
from autograder.sdk.blobs import write_below
from autograder.sdk.jobs_table import DEFINITION as WEEK_FOUR
from autograder.sdk.jobs_table import LONG, Item, JobsTable, job, moment, new_id

ALERTS = "alerts"
"""The name of the webhook that alerts are sent to."""
DEAD_MODEL = "pipeline.models.dead_letters"
DONE_SECONDS = 25.0
"""How long a job without retry delays may take."""
LOOK_SECONDS = 0.04
"""The pause between two reads of the table. A shorter one would slow down the worker."""
DEFINITION: dict[str, Any] = {
    **WEEK_FOUR,
    "AttributeDefinitions": [
        *WEEK_FOUR["AttributeDefinitions"],
        {"AttributeName": "dead_at", "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [
        *WEEK_FOUR["GlobalSecondaryIndexes"],
        {
            "IndexName": "by_dead_letter",
            "KeySchema": [
                {"AttributeName": "owner", "KeyType": "HASH"},
                {"AttributeName": "dead_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    ],
}
"""Week 5's jobs table."""


@dataclass(frozen=True)
class Settings:
    """The settings of the student's processes. Long delays end because a check moves them."""

    max_attempts: int
    max_deliveries: int
    lease_seconds: int
    publish_seconds: int
    redrive_seconds: int
    alert_window_seconds: int
    replays_per_second: float
    backoff_base_seconds: float = 0.1
    backoff_cap_seconds: float = 8.0
    broker_wait_seconds: float = 1.2
    outbox_interval_seconds: float = 0.1
    lost_worker_retry_seconds: float = 0.0
    worker_concurrency: int = 2

    @classmethod
    def of(cls, session: Session) -> Settings:
        rng = session.random("settings")
        return cls(
            max_attempts=rng.randint(9, 12),
            max_deliveries=rng.choice([2, 4]),  # not the default
            lease_seconds=rng.randint(200, 400),
            publish_seconds=rng.randint(500, 900),
            redrive_seconds=rng.randint(1_000, 1_500),
            alert_window_seconds=rng.randint(2_000, 4_000),
            replays_per_second=rng.choice([0.02, 0.025, 0.05]),
        )

    def environment(self) -> dict[str, str]:
        return {name.upper(): str(value) for name, value in vars(self).items()}


@dataclass
class Submitted:
    """A document with a text of its own, and its job."""

    text: str
    id: str
    before: Item = field(default_factory=dict)
    """Its row as the grader made it."""


def submit(run: Run, table: JobsTable, rng: Random, **more: Any) -> Submitted:
    """Store a document and a pending job that is due now, so that the outbox sends its message."""
    text = f"The keeper {rng.getrandbits(96):024x} lit the lamp."
    content = f"{text}\nThe sea was calm.\n".encode()
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    if not write_below(run.blob_folder, key, content):
        fail(
            sent=f"a document for the blob store, under {key}",
            expected="a folder `uploads` into which a file can be written",
            got="the file could not be written there",
            cause="your code wrote into the folder of the blob store itself: use `blob_store()`",
        )
    row = job(rng, **{"due_at": moment(-1), **more})
    row["document"]["blob_key"] = key
    table.put(row)
    return Submitted(text, row["id"], row)


def failed_before(count: int) -> dict[str, Any]:
    """Return the attributes of a job whose third step has failed this many times."""
    return {"failures": {"embed": {"count": count, "first_at": moment(-1_000 - count)}}}


def dead(rng: Random, **more: Any) -> Item:
    """Return the row of a job with a dead letter, as the pipeline would have written it."""
    died = moment(-rng.uniform(20, 5_000))
    row = job(rng, "failed", finished_at=died)
    letter = {
        "step": "embed",
        "task": "pipeline.embed_chunks",
        "arguments": [dict(row["document"])],
        "kind": "internal_error",
        "message": "Something went wrong on our side. It has been logged.",
        "exception": "openai.InternalServerError",
        "detail": f"Traceback: secret-{rng.getrandbits(64):x}",
        "attempts": rng.randint(2, 9),
        "deliveries": rng.randint(1, 3),
        "first_at": moment(-9_000),
        "last_at": died,
        "fingerprint": f"{rng.getrandbits(64):016x}",
    }
    letter |= more.pop("letter", {})
    row |= {
        "dead_at": died,
        "dead_letter": letter,
        "error": {"type": letter["kind"], "message": letter["message"]},
        "deliveries": letter["deliveries"],
        "lost_messages": rng.randint(0, 1),
        "failures": {"embed": {"count": letter["attempts"], "first_at": letter["first_at"]}},
        "waiting": {"number": 3, "arguments": letter["arguments"]},
        "steps_done": 2,
        "percent": 50,
        "step": "embed",
        "steps": {name: {"started_at": moment(-9_100)} for name in ("parse", "chunk", "embed")},
    }
    return row | more


def as_job(row: Item) -> dict[str, Any]:
    """Return a row as an argument of the type `ReliableJob`."""
    return made(DEAD_MODEL, "ReliableJob", **plain(row))


class Rows(JobsTable):
    """The jobs table, with functions that move a job's times into the past."""

    def clear(self) -> None:
        """Remove the jobs. The records of alerts stay, so a run sends one alert for each kind."""
        for job_id in self.jobs():
            self._table.delete_item(Key={"id": job_id})

    def make_due(self, *jobs: str) -> None:
        """Make these jobs due now, unless a worker has them."""
        for job_id in jobs:
            self._pass(job_id, Attr("lease_owner").not_exists(), "due_at")

    def end_lease(self, job_id: str) -> None:
        """Let the lease of a dead worker expire now."""
        self._pass(job_id, Attr("lease_owner").exists(), "due_at", "lease_until")

    def _pass(self, job_id: str, condition: ConditionBase, *names: str) -> None:
        with suppress(self._resource.meta.client.exceptions.ConditionalCheckFailedException):
            self._table.update_item(
                Key={"id": job_id},
                UpdateExpression="SET " + ", ".join(f"{name} = :past" for name in names),
                ConditionExpression=Attr("due_at").exists() & condition,
                ExpressionAttributeValues={":past": moment(-1)},
            )


def row_of(table: JobsTable, job_id: str) -> Item:
    """Return the row, or an empty one."""
    return table.get(job_id) or {}


def ended(table: JobsTable, job_id: str, seconds: float = DONE_SECONDS) -> Item:
    """Wait until the job has ended, and return its row. After `seconds`, return the row as it is."""

    def look() -> Item | None:
        row = row_of(table, job_id)
        return row if row.get("status") in ("completed", "failed", "cancelled") else None

    return until(look, seconds, LOOK_SECONDS) or row_of(table, job_id)


def asked(openai: OpenAIControl, one: Submitted) -> list[JournalEntry]:
    """Return the provider's journal for a document."""
    return [entry for entry in openai.journal("embeddings") if one.text in " ".join(entry.inputs)]


def is_free(row: Item) -> bool:
    """Whether the job is in processing and no worker has its lease."""
    return row.get("status") == "processing" and "lease_owner" not in row


def is_waiting(row: Item) -> bool:
    """Whether the job has a step that waits for its retry, and no worker has its lease."""
    waiting = row.get("waiting")
    number = waiting.get("number") if isinstance(waiting, dict) else None
    return is_free(row) and number == int(row.get("steps_done", 0)) + 1


def due_after(row: Item) -> float | None:
    """Return the seconds from a row's last write until it is due. None: the row does not say."""
    due, written = number(row.get("due_at")), number(row.get("updated_at"))
    return None if due is None or written is None else due - written


def shown(row: Item) -> Any:
    """Return the part of a row that a card shows."""
    names = ("status", "step", "steps_done", "deliveries", "failures", "lease_owner", "error")
    return plain({name: row[name] for name in names if name in row}) or "no row"


def monotonic_of(seconds: float) -> float:
    """Convert a time of the table to the clock of the journal."""
    return seconds - time.time() + time.monotonic()


__all__ = ["LONG", "Item", "job", "moment", "new_id"]
