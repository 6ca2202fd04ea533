"""2.1: what `take_in` and the route call, in which order, and with which arguments."""

from __future__ import annotations

import hashlib
import uuid
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.sdk.documents import random_document
from autograder.week02_api import sending
from autograder.week02_api.inside import Inside

pytestmark = pytest.mark.item("2.1")

PDF = "application/pdf"
SENT = (
    "take_in() of an upload named {!r}, while MAX_UPLOAD_BYTES is {} and `judged_type` returns {!r}"
)
NAMES = {
    "..\\tide/ notes\u202e\u200b.pdf. ": "notes.pdf",
    "harbour.PDF": "harbour.PDF",
    "\u0007": "document",
}
"""Names as clients send them, and how `display_name` cleans them."""


PARTS = {"limited": 2, "judged": 2, "stored": 2, "called": 3, "accepted": 0}
"""How many values each kind of note has, after its name."""


def notes_in(said: dict[str, Any], when: str = "notes") -> list[list[Any]]:
    """Return all notes that are as the probe writes them."""
    notes = said.get(when)
    return [
        one
        for one in (notes if isinstance(notes, list) else [])
        if isinstance(one, list) and one and PARTS.get(str(one[0])) == len(one) - 1
    ]


def notes_of(said: dict[str, Any], what: str, when: str = "notes") -> list[list[Any]]:
    """Return the notes of one kind, such as `limited`, without its name."""
    return [one[1:] for one in notes_in(said, when) if one[0] == what]


def test_each_step_of_an_upload(inside: Inside, rng: Random) -> None:
    """a, b, c, d, e: an upload whose type is decided by the check itself."""
    for raw, shown in NAMES.items():
        content = random_document(rng, "txt", pages=2).content
        kind = f"application/x-{rng.getrandbits(32):x}"
        limit = rng.randint(10**6, 10**9)
        sent = SENT.format(raw, limit, kind)
        said = inside.dict(sent, "take_in", content, raw, kind, limit)
        check_limit(sent, notes_of(said, "limited"), limit, len(content))
        check_judged(sent, notes_of(said, "judged"), raw)
        check_stored(sent, notes_of(said, "stored"), content)
        check_order(sent, [str(one[0]) for one in notes_in(said)])
        check_document(sent, said.get("document"), content, kind, shown)


def check_limit(sent: str, found: list[list[Any]], limit: int, size: int) -> None:
    if found != [[limit, size]]:
        fail(
            sent=sent,
            expected=f"all {size} bytes through `within_limit`, with the limit {limit}",
            got=f"{found[0][1]} bytes, with the limit {found[0][0]}"
            if found
            else "`within_limit` was not called, or not read to its end",
            cause="pass `upload` and `limit`, the value of MAX_UPLOAD_BYTES, to `within_limit`, and give "
            "what it yields to `copy`",
        )


def check_judged(sent: str, found: list[list[Any]], raw: str) -> None:
    if len(found) != 1 or found[0][0] != raw:
        fail(
            sent=sent,
            expected=f"one call of `judged_type`, with the name {raw!r}",
            got=f"calls with the names {[one[0] for one in found]}",
            cause="`judged_type` gets `upload.filename` as the client sent it. Only the name in the "
            "`DocumentRef` is cleaned",
        )
    if found[0][1]:
        fail(
            sent=sent,
            expected="a call of `judged_type` on a thread",
            got="a call on the event loop",
            cause="`judged_type` reads the whole file, and no other request is answered meanwhile. Run "
            "it on a thread (`to_thread.run_sync`)",
        )


def check_stored(sent: str, found: list[list[Any]], content: bytes) -> None:
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    if [one[0] for one in found] != [key]:
        fail(
            sent=sent,
            expected=f"one call of `put_stream`, with the key {key}",
            got=f"calls with the keys {[one[0] for one in found]}",
            cause="store the file once, under `upload_key` of the hash that `copy` returned",
        )
    if found[0][1]:
        fail(
            sent=sent,
            expected="a call of `put_stream` on a thread",
            got="a call on the event loop",
            cause="`put_stream` may wait for a network, and no other request is answered meanwhile. Run "
            "it on a thread (`to_thread.run_sync`)",
        )


def check_order(sent: str, steps: list[str]) -> None:
    if steps != ["limited", "judged", "stored"]:
        fail(
            sent=sent,
            expected="first all chunks through `within_limit`, then `judged_type`, then `put_stream`",
            got=f"this order: {steps}",
            cause="the document is stored before it is checked. Call `judged_type` before `put_stream`",
        )


def check_document(sent: str, document: object, content: bytes, kind: str, shown: str) -> None:
    found = document if isinstance(document, dict) else {}
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    wanted = {"blob_key": key, "content_type": kind, "filename": shown}
    got = {name: found.get(name) for name in wanted}
    if got != wanted:
        fail(
            sent=sent,
            expected=f"a DocumentRef with {wanted}",
            got=f"one with {got}",
            cause="the client's file name is returned unchanged. `display_name` cleans it"
            if got == {**wanted, "filename": got["filename"]}
            else "the type is what `judged_type` returned, and the key is that of the stored blob",
        )
    if not sending.is_id(str(found.get("document_id"))):
        fail(
            sent=sent,
            expected="a document_id that is a random UUID (version 4)",
            got=found.get("document_id"),
            cause="`str(uuid4())` returns a new random UUID",
        )


def test_a_rejected_upload_is_not_stored(inside: Inside, rng: Random) -> None:
    """b: `judged_type` rejects the upload."""
    sent = "take_in() of an upload that `judged_type` rejects"
    said = inside.dict(sent, "take_in", rng.randbytes(500), "a.pdf", PDF, 10**6, rejects=True)
    if notes_of(said, "stored") or said.get("error") != "UnsupportedContent":
        fail(
            sent=sent,
            expected="the error of `judged_type`, and nothing in the blob store",
            got=f"{said.get('error') or 'no error'}, and {said.get('notes')}",
            cause="the document is stored before it is checked, or the error is caught. Call "
            "`judged_type` before `put_stream`, and let its error pass",
        )


def test_the_route_submits(inside: Inside, rng: Random) -> None:
    """j, k, l: an upload of an owner, while the check itself accepts documents."""
    owner = f"owner-{rng.getrandbits(32):x}"
    sent = f"POST /documents/upload of {owner!r}, while the check takes the place of `accept`"
    said = inside.dict(sent, "upload", f"{rng.getrandbits(64):x}\n".encode(), owner)
    called, later = notes_of(said, "called"), notes_of(said, "called", "later")
    if len(called) != 1 or called[0][1:] != [owner, None]:
        fail(
            sent=sent,
            expected=f"one call of `submit`, for the owner {owner!r}",
            got=f"for the owner {called[0][1]!r}"
            if called
            else f"no call of `submit` before the response, and {len(later)} later",
            cause="`submit` was not awaited, or it runs in a background task. 202 promises that the "
            "document is accepted"
            if later and not called
            else "pass the document and `current_owner()` to `submit`. Do not publish in the route: "
            "week 4 accepts documents in another way",
        )
    if not notes_of(said, "accepted"):
        fail(
            sent=sent,
            expected="a response after `submit` has returned",
            got=f"{said.get('status')} before that",
            cause="`submit` was not awaited, or it runs in a background task. 202 promises that the "
            "document is accepted",
        )
    check_response(sent, said, str(called[0][0]))


def check_response(sent: str, said: dict[str, Any], task_id: str) -> None:
    body = sending.parsed(str(said.get("body")))
    headers = said.get("headers")
    location = headers.get("location") if isinstance(headers, dict) else None
    address = f"/tasks/{task_id}"
    got = [said.get("status"), body.get("task_id"), body.get("status_url"), location]
    if got != [202, task_id, address, address]:
        fail(
            sent=sent,
            expected=f"202, task_id {task_id}, and {address} as status_url and as Location",
            got=f"{got[0]}, task_id {got[1]}, status_url {got[2]}, Location {got[3]}",
            cause="`status_url` is '/tasks/' followed by the document's id, and the header Location of "
            "`response` is the same text",
        )


def test_a_document_that_is_not_accepted(inside: Inside, rng: Random) -> None:
    """j: `submit` raises BrokerUnavailable."""
    sent = "POST /documents/upload, while `submit` raises BrokerUnavailable"
    content = f"{uuid.UUID(int=rng.getrandbits(128))}\n".encode()
    said = inside.dict(sent, "upload", content, "public", refuses=True)
    if said.get("status") != 503:
        fail(
            sent=sent,
            expected="503, because the document is not accepted",
            got=f"{said.get('status')} {said.get('body')}",
            cause="`submit` was not awaited, or its error was caught. 202 promises that the document is "
            "accepted",
        )
