"""Jobs that have failed, wait or are dead, as rows that no code of the student's has made."""

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
"""The name of the hook that alerts are sent to."""
DEAD_MODEL = "pipeline.models.dead_letters"
DONE_SECONDS = 25.0
"""How long a job may take that has nothing to wait for."""
LOOK_SECONDS = 0.04
"""Between two looks at the table: more would take the processor from the worker."""
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
    """What the student's processes are told. What is long ends because a check says so."""

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
    """A document with a text that no other has, and its job."""

    text: str
    id: str
    before: Item = field(default_factory=dict)
    """Its row as the grader made it."""


def submit(run: Run, table: JobsTable, rng: Random, **more: Any) -> Submitted:
    """A job whose document is stored. It is pending, and due now: the outbox sends its message."""
    text = f"The keeper {rng.getrandbits(96):024x} lit the lamp."
    content = f"{text}\nThe sea was calm.\n".encode()
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    if not write_below(run.blob_folder, key, content):
        fail(
            sent=f"a document for the blob store, under {key}",
            expected="a folder `uploads` that it can be put into",
            got="something is in the way there",
            cause="your code wrote into the blob store itself, past `blob_store()`",
        )
    row = job(rng, **{"due_at": moment(-1), **more})
    row["document"]["blob_key"] = key
    table.put(row)
    return Submitted(text, row["id"], row)


def failed_before(count: int) -> dict[str, Any]:
    """What the row of a job says whose third step has failed that often."""
    return {"failures": {"embed": {"count": count, "first_at": moment(-1_000 - count)}}}


def dead(rng: Random, **more: Any) -> Item:
    """A job with a dead letter, as the pipeline would have left it."""
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
    }
    return row | more


def as_job(row: Item) -> dict[str, Any]:
    """The student's `ReliableJob` with what a row says, as an argument."""
    return made(DEAD_MODEL, "ReliableJob", **plain(row))


class Rows(JobsTable):
    """The jobs table, and time that goes by in it."""

    def clear(self) -> None:
        """Remove the jobs. What is known of alerts stays: one is sent for each kind in all a run."""
        for job_id in self.jobs():
            self._table.delete_item(Key={"id": job_id})

    def make_due(self, *jobs: str) -> None:
        """The time of these jobs has come, unless somebody has them already."""
        for job_id in jobs:
            self._pass(job_id, Attr("lease_owner").not_exists(), "due_at")

    def end_lease(self, job_id: str) -> None:
        """The lease of a worker that is gone has run out."""
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
    """The row, or an empty one."""
    return table.get(job_id) or {}


def ended(table: JobsTable, job_id: str, seconds: float = DONE_SECONDS) -> Item:
    """The row once the job has ended, or as it is when it has had time enough."""

    def look() -> Item | None:
        row = row_of(table, job_id)
        return row if row.get("status") in ("completed", "failed", "cancelled") else None

    return until(look, seconds, LOOK_SECONDS) or row_of(table, job_id)


def asked(openai: OpenAIControl, one: Submitted) -> list[JournalEntry]:
    """What the provider was asked about a document."""
    return [entry for entry in openai.journal("embeddings") if one.text in " ".join(entry.inputs)]


def is_free(row: Item) -> bool:
    """A job that has been started, and that no worker holds."""
    return row.get("status") == "processing" and "lease_owner" not in row


def is_waiting(row: Item) -> bool:
    """A job whose step has failed and is to be retried, and that no worker holds."""
    waiting = row.get("waiting")
    number = waiting.get("number") if isinstance(waiting, dict) else None
    return is_free(row) and number == int(row.get("steps_done", 0)) + 1


def due_after(row: Item) -> float | None:
    """From a row's last write to the moment when it is due, seconds. None: it does not say."""
    due, written = number(row.get("due_at")), number(row.get("updated_at"))
    return None if due is None or written is None else due - written


def shown(row: Item) -> Any:
    """The part of a row that a card shows."""
    names = ("status", "step", "steps_done", "deliveries", "failures", "lease_owner", "error")
    return plain({name: row[name] for name in names if name in row}) or "no row"


def monotonic_of(seconds: float) -> float:
    """A time of the table's on the clock of the journal."""
    return seconds - time.time() + time.monotonic()


__all__ = ["LONG", "Item", "job", "moment", "new_id"]
