"""Refuses requests that another site makes a browser send (cross-site request forgery).

Given to students complete.

A browser sends a form to any address that a page names, together with the cookies of that address. The
page cannot read the answer, but the upload, the replay or the cancel has happened. A browser says where a
request comes from, and no page can change that: in `Sec-Fetch-Site`, and in `Origin`.

Programs that are no browsers send neither header. They pass: until week 8 there is no cookie or key that
somebody could misuse.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.errors import PermanentError, error_body

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""They change nothing, so anybody may send them."""
OWN_SITE = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` that are accepted. `none`: the user typed the address."""


class ForeignOrigin(PermanentError):
    http_status = 403
    default_message = "This request was sent by a page of another site. It was refused."


def is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another site is behind a request."""
    if any(site not in OWN_SITE for site in headers.getlist("sec-fetch-site")):
        return True
    host = headers.get("host", "").lower()
    return any(urlsplit(origin).netloc.lower() != host for origin in headers.getlist("origin"))


class SameOrigin:
    """Refuses a request of another site, if it may change something."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        changes = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if changes and is_foreign(Headers(scope=scope)):
            error = ForeignOrigin()
            answer = JSONResponse(error_body(error), error.http_status)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


MIDDLEWARE = [Middleware(SameOrigin)]
