"""Uploading a document as a client does, and checking the 202."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from autograder.card import fail
from autograder.process.api import Api
from autograder.sdk.api_log import log_of

UPLOAD = "/documents/upload"


ANSWER_SECONDS = 20.0
"""How long an upload may take. The reference needs a few milliseconds, five seconds in an outage."""


def upload(
    api: Api, content: bytes, name: str, claimed: str | None = None, timeout: float = ANSWER_SECONDS
) -> httpx.Response:
    """Send a file. `claimed` is the content type in its part's header."""
    file = (name, content, claimed) if claimed else (name, content)
    return api.post(UPLOAD, files={"file": file}, timeout=timeout)


@dataclass(frozen=True)
class Accepted:
    """A 202 and what it said."""

    task_id: str
    status_url: str
    location: str
    document: dict[str, Any]


def accepted(api: Api, response: httpx.Response, sent: str) -> Accepted:
    """The answer to an upload that must be accepted.

    Raises:
        CheckFailed: it is none.
    """
    if response.status_code != 202:
        fail(
            sent=sent,
            expected="202 Accepted",
            got=f"{response.status_code} {response.text[:300]}",
            cause=cause_of(response.status_code),
            log=log_of(api, response),
        )
    body = api.json(response)
    wanted = {"task_id": str, "status_url": str, "document": dict}
    missing = [
        key
        for key, kind in wanted.items()
        if not isinstance(body, dict) or not isinstance(body.get(key), kind)
    ]
    if missing:
        fail(
            sent=sent,
            expected="a JSON body with task_id, status_url and document",
            got=response.text[:300],
            cause=f"{' and '.join(missing)}: missing, or of another type",
        )
    location = response.headers.get("location", "")
    return Accepted(body["task_id"], body["status_url"], location, body["document"])


def cause_of(status: int) -> str:
    """The likely cause of an answer that should have been 202."""
    return {
        200: "`return JSONResponse(...)` without `status_code=202` answers 200",
        500: "an exception in the route: the lines of the API's log below name it",
        503: "the queue is there, and was said not to be: see the API's log",
    }.get(status, "a good document was refused")
