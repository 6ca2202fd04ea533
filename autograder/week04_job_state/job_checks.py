"""Checks of new jobs and of their messages, which several of week 4's graders use."""

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
    """Return the ids of the jobs whose messages wait in the queue, one for each message."""
    return [
        str(message.headers.get("id"))
        for message in broker.waiting(run)
        if message.queue == broker.QUEUE and message.headers.get("task") == ENTRY_TASK
    ]


def blob_key(content: bytes) -> str:
    return f"uploads/{hashlib.sha256(content).hexdigest()}"


def somebody(rng: Random) -> tuple[str, str]:
    """Return a random owner and a random idempotency key."""
    return f"owner-{rng.getrandbits(32):x}", f"key-{rng.getrandbits(64):x}"


def check_job(sent: str, table: JobsTable, made: dict[str, str], owner: str) -> None:
    """The row is the one of a new job: pending, and due some time later."""
    wanted = {"owner": owner, "status": "pending", "document": {**made, "owner": owner}}
    row = table.get(made["document_id"])
    if odd := differs(row, wanted):
        fail(
            sent=sent,
            expected="the job's row, pending, with its owner and its document",
            got=odd,
            cause="a worker reads all it needs from this row. Write the item that "
            "`new_item(document, owner)` makes",
        )
    if row is None or not {"due_at", "due_shard"} <= set(row) or "expires_at" in row:
        fail(
            sent=sent,
            expected="a row with due_at and due_shard, and without expires_at",
            got=plain(row),
            cause="the outbox could not find the job, or DynamoDB would delete it. Write the item "
            "of `new_item` unchanged",
        )
