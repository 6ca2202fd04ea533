"""How week 4's graders submit documents, and what they find of them."""

from __future__ import annotations

import hashlib
from random import Random

import redis

from autograder.sdk import Run, broker, fail
from autograder.sdk.answers import differs, plain
from autograder.sdk.jobs_table import JobsTable

ENTRY_TASK = "pipeline.ingest_document"


def queue(run: Run) -> redis.Redis:
    return broker.database(run, broker.BROKER)


def announced(run: Run) -> list[str]:
    """The ids of the jobs whose messages wait in the queue, each as often as it does."""
    return [
        str(message.headers.get("id"))
        for message in broker.waiting(run)
        if message.headers.get("task") == ENTRY_TASK
    ]


def blob_key(content: bytes) -> str:
    return f"uploads/{hashlib.sha256(content).hexdigest()}"


def somebody(rng: Random) -> tuple[str, str]:
    """An owner and an idempotency key."""
    return f"owner-{rng.getrandbits(32):x}", f"key-{rng.getrandbits(64):x}"


def check_job(sent: str, table: JobsTable, made: dict[str, str], owner: str) -> None:
    """The row is that of a job that waits and is due."""
    wanted = {"owner": owner, "status": "pending", "document": {**made, "owner": owner}}
    row = table.get(made["document_id"])
    if odd := differs(row, wanted):
        fail(
            sent=sent,
            expected="the job's row: pending, with its owner and its document",
            got=odd,
            cause="`new_item(document, owner)` is to be written",
        )
    if row is None or not {"due_at", "due_shard"} <= set(row) or "expires_at" in row:
        fail(sent=sent, expected="a job that is due, and does not expire", got=plain(row))
