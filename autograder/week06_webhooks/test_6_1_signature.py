"""6.1: the signature follows the specification, and the body reports the end of the job."""

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
"""A fourth of all signatures contain neither + nor /, so several are needed to see a wrong alphabet."""
EXACT = timedelta(seconds=1)
"""Whole seconds are valid in ISO 8601. The other times of the job are further away."""
INTERNALS = ("uploads/", "lease", "write_id", "deliveries", "generation", "due_shard", "worker-")


def test_signatures(code: Code, rng: Random) -> None:
    """`sign` returns what the specification defines, and its official library accepts it."""
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
    """Return which common mistake gives this signature."""
    raw = base64.b64decode(key.removeprefix("whsec_"))
    right = f"{one}.{at}.".encode() + content

    def b64(secret: bytes, text: bytes) -> str:
        return base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode()

    digest = hmac.digest(raw, right, hashlib.sha256)
    mistakes = {
        b64(key.encode(), right): "the text of the secret was the key: decode it with `key_of`",
        b64(
            key.removeprefix("whsec_").encode(), right
        ): "the base64 of the secret was not decoded: use `key_of`",
        b64(raw, content): "only the body was signed: sign the id and the timestamp too",
        b64(
            raw, f"{one}.{at * 1000}.".encode() + content
        ): "the timestamp was signed in milliseconds: it is in seconds",
        b64(
            raw, f"{one}.{at}.{content!r}".encode()
        ): "the text b'…' was signed: an f-string shows bytes in this form, so join bytes to bytes",
        f"b'{b64(raw, right)}'": "`b64encode` returns bytes: convert them to text with `.decode()`",
        base64.urlsafe_b64encode(
            digest
        ).decode(): "this is URL-safe base64: use the standard alphabet (`b64encode`)",
        digest.hex(): "the digest is in hexadecimal: encode it in base64",
        base64.b64encode(
            digest.hex().encode()
        ).decode(): "the hexadecimal text was encoded in base64: encode the digest itself",
    }
    for spelling in spellings(content):
        usual = b64(raw, f"{one}.{at}.".encode() + spelling)
        mistakes[usual] = "the body was parsed as JSON and written again: sign its bytes unchanged"
    text = said if isinstance(said, str) else ""
    if text == b64(raw, right):
        return "the version is missing at the start: `v1,`"
    return mistakes.get(text.removeprefix("v1,"), "sign exactly the bytes of `id.timestamp.body`")


def spellings(content: bytes) -> list[bytes]:
    """Return the same JSON in the forms that libraries write."""
    value = json.loads(content)
    forms: list[dict[str, Any]] = [{}, {"separators": (",", ":")}]
    return [
        json.dumps(value, **{**form, "ensure_ascii": ascii_only, "sort_keys": in_order}).encode()
        for form in forms
        for ascii_only in (True, False)
        for in_order in (True, False)
    ]


def finished_job(rng: Random, status: str) -> dict[str, Any]:
    """Return a job that ended some minutes ago."""
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
    """The body contains the event, when it happened, and the part of the job that its owner may see."""
    job = finished_job(rng, status)
    argument = made("pipeline.models.job", "Job", **job)
    sent = f"event_body() of a job that ended some minutes ago and is {status}"
    said = must_return(sent, code.ask("pipeline.webhooks.events", "event_body", argument))
    try:
        message = json.loads(said)
    except (TypeError, ValueError):
        fail(
            sent=sent,
            expected="a text with JSON",
            got=said,
            cause="return what `json.dumps` returns",
        )
    if not isinstance(message, dict) or not {"type", "timestamp", "data"} <= set(message):
        fail(sent=sent, expected="an object with type, timestamp and data", got=message)
    if message["type"] != f"job.{status}":
        expected = f"the type job.{status}"
        fail(
            sent=sent,
            expected=expected,
            got=message["type"],
            cause="`EVENTS` has the event of each status",
        )
    check_time(sent, message["timestamp"], job)
    check_data(sent, message["data"], job)
    if words := [word for word in INTERNALS if word in said]:
        cause = "the receiver belongs to another company: send only what `data_of(job)` returns"
        fail(sent=sent, expected="no internal fields", got=f"{words} in {said}", cause=cause)


def check_time(sent: str, said: Any, job: dict[str, Any]) -> None:
    """The timestamp is in ISO 8601 and UTC, and it is the time when the job ended."""
    wanted = datetime.fromtimestamp(job["finished_at"], UTC)
    try:
        moment = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        fail(sent=sent, expected=f"the timestamp {wanted.isoformat()}", got=said, cause=UTC_CAUSE)
    if moment.tzinfo is None or moment.utcoffset() != timedelta(0):
        fail(sent=sent, expected="a timestamp with the zone UTC", got=said, cause=UTC_CAUSE)
    if abs(moment - wanted) > EXACT:
        fail(
            sent=sent,
            expected=f"the time when the job ended: {wanted.isoformat()}",
            got=said,
            cause="use `iso(job.finished_at)`: not the time of the last write, and not the time of sending",
        )


UTC_CAUSE = "format the time with `iso`, which returns ISO 8601 in UTC"


def check_data(sent: str, said: Any, job: dict[str, Any]) -> None:
    """The data names the job, its result and its document."""
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
                cause="use `data_of(job)`, the part of the job that its owner may see",
            )
