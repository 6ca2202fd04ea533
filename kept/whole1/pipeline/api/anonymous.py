"""`/unsubscribe?token=…`: the link in a digest, which works without a key. Given to students complete.

A subscriber has no key and no login. The token in the link is a secret of 192 random bits that opens nothing
else. Mail programs send `POST` when a person presses their button (RFC 8058). Virus scanners open every link
with `GET`, so `GET` only shows a button, and changes nothing.

Middleware runs in the order of the modules' names, so this one answers before `pipeline.api.auth` asks for a
key. Cookies and keys mean nothing here, so another site's page can misuse neither.
"""

from __future__ import annotations

import html

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.errors import PipelineError, TransientError
from pipeline.news.subscribers import unsubscribe

PATH = "/unsubscribe"
MAX_TOKEN_CHARS = 100
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""`no-referrer`: the address of this page contains the token."""
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>News digest</title><link rel="stylesheet" href="/login/login.css"></head>
<body><main><h1>News digest</h1>{content}</main></body>
</html>
"""
BUTTON = (
    "<p>Do you want to stop the daily digest to your address?</p>"
    '<form method="post" action="{path}"><button>Unsubscribe</button></form>'
)
DONE = "<p>You will get no further digest.</p>"


class Anonymous:
    """Answers requests for `PATH`, and lets all others through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            response = await answer(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def answer(request: Request) -> Response:
    """Answer a request for the link of a digest. The body of a `POST` is not read."""
    token = request.query_params.get("token", "")[:MAX_TOKEN_CHARS]
    if request.method in ("GET", "HEAD"):
        path = html.escape(f"{PATH}?{request.url.query}")
        return page(BUTTON.format(path=path), 200)
    if request.method != "POST":
        return Response(status_code=405, headers={"Allow": "GET, HEAD, POST"})
    try:
        await run_in_threadpool(unsubscribe, token)
    except PipelineError as error:
        response = page(f"<p>{html.escape(error.message)}</p>", error.http_status)
        if isinstance(error, TransientError):
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    return page(DONE, 200)


def page(content: str, status: int) -> HTMLResponse:
    """Build the page around its content."""
    return HTMLResponse(PAGE.format(content=content), status, HEADERS)


MIDDLEWARE = [Middleware(Anonymous)]
