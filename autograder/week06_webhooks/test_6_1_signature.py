"""6.1: the signature follows the specification, and the body reports the end of the job.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned values. The official library of the specification judges them too.
- place: secrets, ids, times, bodies and jobs are random.
- store: nothing is stored.
- probe: the functions see their arguments only. Deliveries of a real worker are judged in the same way
  by 6.3 and 6.5.
"""

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

from autograder.sdk import fail, made, packed
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.jobs_table import document, new_id
from autograder.week06_webhooks import messages

pytestmark = pytest.mark.item("6.1")

MESSAGES = 12
"""A fourth of all signatures contain neither + nor /, so several are needed to see a wrong alphabet."""
EXACT = timedelta(seconds=1)
"""Whole seconds are valid in ISO 8601. The other times of the job are further away."""
LOCAL = timedelta(hours=9)
"""The student's processes run in the time zone of Tokyo."""
EVENTS = "pipeline.webhooks.events"


def test_signatures(code: Code, rng: Random) -> None:
    """a, b, c, d: what the specification defines, of any bytes; its official library accepts it."""
    for _ in range(MESSAGES):
        key, one, content = messages.secret(rng), messages.message_id(rng), messages.body(rng)
        check_signature(code, rng, key, one, content)
    for content in odd_bodies(rng):
        check_signature(code, rng, messages.secret(rng), messages.message_id(rng), content)


def check_signature(code: Code, rng: Random, key: str, one: str, content: bytes) -> None:
    """Sign one webhook, and compare the signature with that of the specification."""
    ago = rng.randint(0, 200)
    at = int(time.time()) - ago
    sent = f"sign({key[:12]}…, {one!r}, {ago} seconds ago, {content!r})"
    arguments = (key, one, at, packed(content))
    said = must_return(sent, code.ask(messages.SIGNING, "sign", *arguments))
    expected = messages.signature(key, one, at, content)
    if said != expected:
        fail(sent=sent, expected=expected, got=said, cause=cause(said, key, one, at, content))
    if not is_text(content):
        return  # the official library knows text only
    headers = messages.headers(key, one, at, content) | {"webhook-signature": said}
    if refusal := messages.accepted(key, headers, content):
        fail(sent=sent, expected="a signature that standardwebhooks accepts", got=refusal)


def is_text(content: bytes) -> bool:
    return content.decode(errors="ignore").encode() == content


def odd_bodies(rng: Random) -> list[bytes]:
    """Return bodies that are no JSON, no UTF-8, empty, or change if they are stripped."""
    other = "Größe ".encode("latin-1") + rng.randbytes(8)
    return [b"", b"\xff\xfe" + rng.randbytes(16), other, b" \r\n text \r\n\n", b"\x00\n"]


def malformed(rng: Random) -> dict[str, str]:
    """Return secrets that are not `whsec_` and base64 of 24 to 64 bytes."""
    right = messages.secret(rng)
    short = base64.b64encode(rng.randbytes(16)).decode()
    return {
        "without whsec_": right.removeprefix("whsec_"),
        "of 16 bytes": f"whsec_{short}",
        "with a character that is not base64": f"{right[:12]}!{right[12:]}",
    }


def test_a_malformed_secret(code: Code, rng: Random) -> None:
    """b: the key is what `key_of` returns, and its `ValueError` passes."""
    for what, key in malformed(rng).items():
        arguments = (key, messages.message_id(rng), int(time.time()), packed(b"{}"))
        must_raise(
            f"sign() with a secret {what}",
            code.ask(messages.SIGNING, "sign", *arguments),
            "ValueError",
            "let `key_of` decode the secret: it checks the prefix, the alphabet and the length",
        )


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
    decoded = [content.decode(errors=way) for way in ("ignore", "replace", "backslashreplace")]
    for text in (*decoded, content.decode("latin-1")):
        mistakes[b64(raw, f"{one}.{at}.{text}".encode())] = (
            "the body was decoded to text and encoded again: it need not be UTF-8, so sign its bytes"
        )
    for stripped in (content.strip(), content.rstrip(), content.replace(b"\r\n", b"\n")):
        mistakes[b64(raw, f"{one}.{at}.".encode() + stripped)] = (
            "the spaces or line feeds at the ends of the body were changed: sign its bytes unchanged"
        )
    for spelling in spellings(content):
        usual = b64(raw, f"{one}.{at}.".encode() + spelling)
        mistakes[usual] = "the body was parsed as JSON and written again: sign its bytes unchanged"
    mistakes.pop(b64(raw, right), None)
    text = said if isinstance(said, str) else ""
    if text == b64(raw, right):
        return "the version is missing at the start: `v1,`"
    return mistakes.get(text.removeprefix("v1,"), "sign exactly the bytes of `id.timestamp.body`")


def spellings(content: bytes) -> list[bytes]:
    """Return the same JSON in the forms that libraries write. Empty if it is no JSON."""
    try:
        value = json.loads(content)
    except ValueError:
        return []
    forms: list[dict[str, Any]] = [{}, {"separators": (",", ":")}]
    return [
        json.dumps(value, **{**form, "ensure_ascii": ascii_only, "sort_keys": in_order}).encode()
        for form in forms
        for ascii_only in (True, False)
        for in_order in (True, False)
    ]


def finished_job(rng: Random, status: str, finished_at: bool = True) -> dict[str, Any]:
    """Return a job that ended some minutes ago, with or without `finished_at`."""
    job_id = new_id(rng)
    finished = round(time.time() - rng.uniform(100, 5_000), 6)
    values: dict[str, Any] = {
        "id": job_id,
        "owner": f"owner-{rng.getrandbits(32):x}",
        "status": status,
        "document": document(rng, job_id) | {"filename": f"{rng.choice(messages.WORDS)}.pdf"},
        "created_at": round(finished - rng.uniform(2, 50), 6),
        "updated_at": round(finished + rng.uniform(5, 50), 6),
        "finished_at": finished if finished_at else None,
        "deliveries": rng.randint(1, 3),
        "generation": rng.randint(3, 9),
        "lease_owner": "worker-17@host",
        "steps_done": 4,
    }
    if status == "completed":
        return values | {"result": {"pages": rng.randint(1, 300), "chunks": rng.randint(1, 999)}}
    if status == "cancelled":
        return values
    reason = {"type": "pdf_unreadable", "message": f"The file is broken ({rng.random()})."}
    return values | {"error": reason}


@pytest.mark.parametrize("finished_at", [True, False], ids=["finished_at", "no_finished_at"])
@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_the_message(code: Code, rng: Random, status: str, finished_at: bool) -> None:
    """e, f, g, h: the event, when it happened, and the part of the job that its owner may see."""
    job = finished_job(rng, status, finished_at)
    argument = made("pipeline.models.job", "Job", **job)
    without = "" if finished_at else ", without finished_at"
    sent = f"event_body() of a job that ended some minutes ago and is {status}{without}"
    message = parsed(sent, must_return(sent, code.ask(EVENTS, "event_body", argument)))
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


def parsed(sent: str, said: Any) -> dict[str, Any]:
    """Return the message in a body. It has exactly three members."""
    try:
        message = json.loads(said)
    except (TypeError, ValueError):
        fail(
            sent=sent,
            expected="a text with JSON",
            got=said,
            cause="return what `json.dumps` returns",
        )
    if not isinstance(message, dict) or set(message) != {"type", "timestamp", "data"}:
        fail(
            sent=sent,
            expected="an object with exactly three members: type, timestamp and data",
            got=message,
            cause="what a receiver may know about the job belongs into `data`",
        )
    return message


def check_time(sent: str, said: Any, job: dict[str, Any]) -> None:
    """The timestamp is in ISO 8601 and UTC, and it is the time when the job ended."""
    finished = job["finished_at"] is not None
    wanted = datetime.fromtimestamp(job["finished_at"] if finished else job["updated_at"], UTC)
    try:
        moment = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        fail(sent=sent, expected=f"the timestamp {wanted.isoformat()}", got=said, cause=UTC_CAUSE)
    if moment.tzinfo is None or moment.utcoffset() != timedelta(0):
        fail(sent=sent, expected="a timestamp with the zone UTC", got=said, cause=UTC_CAUSE)
    if abs(abs(moment - wanted) - LOCAL) < EXACT:
        expected = f"the time when the job ended, in UTC: {wanted.isoformat()}"
        fail(sent=sent, expected=expected, got=said, cause=f"this is local time: {UTC_CAUSE}")
    if abs(moment - wanted) > EXACT:
        fail(
            sent=sent,
            expected=f"the time when the job ended: {wanted.isoformat()}",
            got=said,
            cause="use `iso(job.finished_at)`: not the time of the last write, and not the time of sending"
            if finished
            else "a job without `finished_at` ended at its `updated_at`, and not at the time of sending",
        )


UTC_CAUSE = "format the time with `iso`, which returns ISO 8601 in UTC"


def iso(seconds: float) -> str:
    """Format a time as the pipeline's `iso` does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def check_data(sent: str, said: Any, job: dict[str, Any]) -> None:
    """The data is the job's part that its owner may see, neither less nor more."""
    finished = job["finished_at"]
    wanted = {
        "job_id": job["id"],
        "status": job["status"],
        "document": {name: job["document"][name] for name in ("filename", "content_type")},
        "created_at": iso(job["created_at"]),
        "finished_at": iso(finished) if finished is not None else None,
        "result": job.get("result"),
        "error": job.get("error"),
    }
    cause = "use `data_of(job)` as it is: the part of the job that its owner may see"
    got = said if isinstance(said, dict) else {}
    for name, value in wanted.items():
        if name not in got or got[name] != value:
            fail(sent=sent, expected=f"{name}: {value!r} in data", got=said, cause=cause)
    if more := set(got) - set(wanted):
        cause = "the receiver belongs to another company: send only what `data_of(job)` returns"
        expected, found = "no internal fields in data", f"{sorted(more)} in {said}"
        fail(sent=sent, expected=expected, got=found, cause=cause)
