"""Reads how urgent a client's document is, from the header `Priority`. Given to students complete.

`Priority: u=0` is a header of HTTP (RFC 9218). `u` is the urgency: 0 is the most urgent, 7 the least, and
3 is the default. Here 0, 1 and 2 are urgent. A header that cannot be read is ignored, as the RFC asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.api import jobs
from pipeline.documents import DocumentRef
from pipeline.submission import Accepted

DEFAULT_URGENCY = 3
MOST_URGENT, LEAST_URGENT = 0, 7
LAST_URGENT = 2
"""The highest number that is urgent here."""
MAX_HEADER = 256
"""A longer header is ignored."""
_VALUE = (
    r"-?\d{1,15}(?:\.\d{1,3})?|\?[01]|[A-Za-z*][\w:/!#$%&'*+.^`|~-]*|\"(?:[ !#-\[\]-~]|\\[\"\\])*\""
)
_KEY = r"[a-z*][a-z0-9_.*-]*"
_MEMBER = re.compile(rf"({_KEY})(?:=({_VALUE}))?((?:; *{_KEY}(?:=(?:{_VALUE}))?)*)", re.ASCII)
"""One member of a dictionary of RFC 8941: a key, its value if it is not true, and parameters."""
_COMMA = re.compile(r"[ \t]*,[ \t]*")

_urgent: ContextVar[bool] = ContextVar("urgent", default=False)


def urgency(lines: Sequence[str]) -> int:
    """Return the urgency that the lines of the header ask for, 0 to 7.

    If one member cannot be read, the whole header is ignored. Of several members `u`, the last counts.
    """
    header = ", ".join(lines).strip(" ")
    found, place = DEFAULT_URGENCY, 0
    if not header or len(header) > MAX_HEADER:
        return DEFAULT_URGENCY
    while member := _MEMBER.match(header, place):
        if member[1] == "u":
            number = member[2] or ""
            valid = re.fullmatch(rf"[{MOST_URGENT}-{LEAST_URGENT}]", number)
            found = int(number) if valid else DEFAULT_URGENCY
        if member.end() == len(header):
            return found
        comma = _COMMA.match(header, member.end())
        if comma is None:
            break
        place = comma.end()
    return DEFAULT_URGENCY


async def accept(document: DocumentRef, owner: str, key: str | None = None) -> Accepted:
    """Accept a document as week 4 does. If the request is urgent, its reference says so from now on.

    The reference is stored on the job's row, and each message of the job contains it. So a retry, a
    replay and what the outbox sends again are urgent too.
    """
    urgent = document.model_copy(update={"urgent": _urgent.get()})
    return await jobs.accept(urgent, owner, key)


class ReadsPriority:
    """Keeps for `accept` whether a request is urgent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            lines = Headers(scope=scope).getlist("priority")
            _urgent.set(urgency(lines) <= LAST_URGENT)
        await self._app(scope, receive, send)


MIDDLEWARE = [Middleware(ReadsPriority)]
