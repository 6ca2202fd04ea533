"""Submitting a document as a job (`POST /documents`), and checking the 202."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from autograder.card import fail
from autograder.process.api import Api
from autograder.sdk.api_log import log_of
from autograder.sdk.uploading import ANSWER_SECONDS


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
            cause="a request for any id other than the created one gets 404",
        )
    replayed = response.headers.get("idempotency-replayed")
    if replayed not in (None, "true"):
        fail(
            sent=sent,
            expected="Idempotency-Replayed: true, or no such header",
            got=replayed,
            cause="the header is the word `true`, or it is left out: a client may only look whether "
            "it is there",
        )
    return Accepted(job_id, replayed is not None, body, location)
