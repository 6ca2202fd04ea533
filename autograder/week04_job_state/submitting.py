"""How week 4's graders submit documents, and what they find of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx
import redis

from autograder.card import fail
from autograder.process.api import Api
from autograder.week01_first_task import broker
from autograder.week02_api.uploading import ANSWER_SECONDS, log_of
from autograder.week04_job_state.student_code import differs, plain
from autograder.week04_job_state.table import JobsTable
from bootcamp.stack import Run

ENTRY_TASK = "pipeline.ingest_document"


@dataclass(frozen=True)
class Accepted:
    """A 202 and what it said."""

    job_id: str
    replayed: bool
    body: dict[str, Any]
    location: str


def text(rng: Random) -> bytes:
    """A document that nobody has sent before."""
    return f"The keeper {rng.getrandbits(128):x} lit the lamp.\nThe sea was calm.\n".encode()


def submit(
    api: Api, content: bytes, name: str = "keeper.txt", key: str | None = None
) -> httpx.Response:
    """`POST /documents`."""
    headers = {} if key is None else {"Idempotency-Key": key}
    file = {"file": (name, content)}
    return api.post("/documents", files=file, headers=headers, timeout=ANSWER_SECONDS)


def accepted(api: Api, response: httpx.Response, sent: str) -> Accepted:
    """The answer to a document that must be accepted, checked."""
    if response.status_code != 202:
        fail(
            sent=sent,
            expected="202 Accepted",
            got=f"{response.status_code} {response.text[:300]}",
            cause={
                500: "an exception in the route: the lines of the API's log below name it",
                503: "only a job store that is away may keep a job from being accepted: the row is "
                "written first, and its message can come later",
                422: "a key that comes with the same document again is no mistake",
            }.get(response.status_code, ""),
            log=log_of(api, response),
        )
    body = api.json(response)
    body = body if isinstance(body, dict) else {}
    job_id, document = body.get("job_id"), body.get("document")
    known = document.get("document_id") if isinstance(document, dict) else None
    location = response.headers.get("location", "")
    url = f"/jobs/{job_id}"
    if (
        not isinstance(job_id, str)
        or (known, body.get("status_url")) != (job_id, url)
        or not location.endswith(url)
    ):
        fail(
            sent=sent,
            expected="one id in job_id and document.document_id, and `/jobs/{id}` in status_url and "
            "Location",
            got=f"{body}, Location {location!r}",
            cause="whoever asks for another id than the one that was made gets 404",
        )
    replayed = response.headers.get("idempotency-replayed")
    if replayed not in (None, "true"):
        fail(sent=sent, expected="Idempotency-Replayed: true, or no such header", got=replayed)
    return Accepted(job_id, replayed is not None, body, location)


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
