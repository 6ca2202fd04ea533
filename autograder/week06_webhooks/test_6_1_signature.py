"""6.1: the signature is the specification's, over the bytes that are sent; the message tells the end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, must_return
from autograder.sdk.jobs_table import document, new_id
from autograder.week06_webhooks import messages

pytestmark = pytest.mark.item("6.1")

MESSAGES = 12
"""Every fourth signature has neither + nor /, and would not show a wrong alphabet."""
EXACT = timedelta(seconds=1)
"""Whole seconds are good ISO 8601. The job's other times are further away."""
INTERNALS = ("uploads/", "lease", "write_id", "deliveries", "generation", "due_shard", "worker-")


def test_signatures(code: Code, rng: Random) -> None:
    """What `sign` says is what the specification asks for, and what its library accepts."""
    for _ in range(MESSAGES):
        key, one, content = messages.secret(rng), messages.message_id(rng), messages.body(rng)
        ago = rng.randint(0, 200)
        at = int(time.time()) - ago
        sent = f"sign({key[:12]}…, {one!r}, {ago} seconds ago, {content!r})"
        arguments = (key, one, at, messages.data(content))
        said = must_return(sent, code.ask(messages.SIGNING, "sign", *arguments))
        expected = messages.signature(key, one, at, content)
        if said != expected:
            fail(sent=sent, expected=expected, got=said, cause=cause(said, key, one, at, content))
        headers = messages.headers(key, one, at, content) | {"webhook-signature": said}
        if refusal := messages.accepted(key, headers, content):
            fail(sent=sent, expected="a signature that standardwebhooks accepts", got=refusal)


def cause(said: Any, key: str, one: str, at: int, content: bytes) -> str:
    """Which usual mistake gives this signature."""
    raw = base64.b64decode(key.removeprefix("whsec_"))
    right = f"{one}.{at}.".encode() + content

    def b64(secret: bytes, text: bytes) -> str:
        return base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode()

    digest = hmac.digest(raw, right, hashlib.sha256)
    mistakes = {
        b64(key.encode(), right): "the key is what the secret stands for (`key_of`), not its text",
        b64(key.removeprefix("whsec_").encode(), right): "the secret's base64 was not decoded",
        b64(raw, content): "the id and the timestamp are signed too",
        b64(raw, f"{one}.{at * 1000}.".encode() + content): "the timestamp is in seconds",
        f"b'{b64(raw, right)}'": "`b64encode` gives bytes: `.decode()` makes text of them",
        base64.urlsafe_b64encode(
            digest
        ).decode(): "base64 has two alphabets: this is the other one",
        digest.hex(): "the digest in base64, and not in hex",
        base64.b64encode(
            digest.hex().encode()
        ).decode(): "the digest itself in base64, not its hex",
    }
    for spelling in spellings(content):
        usual = b64(raw, f"{one}.{at}.".encode() + spelling)
        mistakes[usual] = "the body was read as JSON and written again: sign the bytes as they are"
    text = said if isinstance(said, str) else ""
    if text == b64(raw, right):
        return "the version stands in front: `v1,`"
    return mistakes.get(text.removeprefix("v1,"), "over `id.timestamp.body`, byte for byte")


def spellings(content: bytes) -> list[bytes]:
    """The same JSON as libraries write it."""
    value = json.loads(content)
    forms: list[dict[str, Any]] = [{}, {"separators": (",", ":")}]
    return [
        json.dumps(value, **{**form, "ensure_ascii": ascii_only, "sort_keys": in_order}).encode()
        for form in forms
        for ascii_only in (True, False)
        for in_order in (True, False)
    ]


def finished_job(rng: Random, status: str) -> dict[str, Any]:
    """A job as it is when it has ended, some minutes ago."""
    job_id = new_id(rng)
    finished = round(time.time() - rng.uniform(100, 5_000), 6)
    values: dict[str, Any] = {
        "id": job_id,
        "owner": f"owner-{rng.getrandbits(32):x}",
        "status": status,
        "document": document(rng, job_id) | {"filename": f"{rng.choice(messages.WORDS)}.pdf"},
        "created_at": round(finished - rng.uniform(2, 50), 6),
        "updated_at": round(finished + rng.uniform(5, 50), 6),
        "finished_at": finished,
        "deliveries": rng.randint(1, 3),
        "generation": rng.randint(3, 9),
        "lease_owner": "worker-17@host",
        "steps_done": 4,
    }
    if status == "completed":
        return values | {"result": {"pages": rng.randint(1, 300), "chunks": rng.randint(1, 999)}}
    reason = {"type": "pdf_unreadable", "message": f"The file is broken ({rng.random()})."}
    return values | {"error": reason}


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_the_message(code: Code, rng: Random, status: str) -> None:
    """Which event, when it happened, and the job as its owner may see it."""
    job = finished_job(rng, status)
    argument = made("pipeline.models.job", "Job", **job)
    sent = f"event_body() of a job that is {status}, and ended some minutes ago"
    said = must_return(sent, code.ask("pipeline.webhooks.events", "event_body", argument))
    try:
        message = json.loads(said)
    except (TypeError, ValueError):
        fail(sent=sent, expected="JSON, as text", got=said, cause="`json.dumps` writes it")
    if not isinstance(message, dict) or not {"type", "timestamp", "data"} <= set(message):
        fail(sent=sent, expected="an object with type, timestamp and data", got=message)
    if message["type"] != f"job.{status}":
        expected = f"the type job.{status}"
        fail(sent=sent, expected=expected, got=message["type"], cause="`EVENTS` has the names")
    check_time(sent, message["timestamp"], job)
    check_data(sent, message["data"], job)
    if words := [word for word in INTERNALS if word in said]:
        cause = "who receives it is a stranger: how we work is not theirs to know"
        fail(sent=sent, expected="nothing of how we work", got=f"{words} in {said}", cause=cause)


def check_time(sent: str, said: Any, job: dict[str, Any]) -> None:
    """ISO 8601, in UTC, and of the job's end."""
    wanted = datetime.fromtimestamp(job["finished_at"], UTC)
    try:
        moment = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        fail(sent=sent, expected=f"the timestamp {wanted.isoformat()}", got=said, cause=UTC_CAUSE)
    if moment.tzinfo is None or moment.utcoffset() != timedelta(0):
        fail(sent=sent, expected="a timestamp in UTC that says so", got=said, cause=UTC_CAUSE)
    if abs(moment - wanted) > EXACT:
        fail(
            sent=sent,
            expected=f"the time when the job ended: {wanted.isoformat()}",
            got=said,
            cause="`iso` of the job's end: not of its last write, and not of sending",
        )


UTC_CAUSE = "`iso` writes ISO 8601 in UTC"


def check_data(sent: str, said: Any, job: dict[str, Any]) -> None:
    """Which job, what it came to, and of which document."""
    got = said if isinstance(said, dict) else {}
    about: Any = got.get("document")
    about = about if isinstance(about, dict) else {}
    found = {
        "job_id": got.get("job_id"),
        "status": got.get("status"),
        "filename": about.get("filename"),
        "result": got.get("result"),
        "error": got.get("error"),
    }
    wanted = {
        "job_id": job["id"],
        "status": job["status"],
        "filename": job["document"]["filename"],
        "result": job.get("result"),
        "error": job.get("error"),
    }
    for name, value in wanted.items():
        if found[name] != value:
            fail(
                sent=sent,
                expected=f"{name}: {value!r} in data",
                got=said,
                cause="`data_of(job)` is the job as its owner may see it",
            )
