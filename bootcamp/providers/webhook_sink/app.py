"""The HTTP side of the sink: `POST /hooks/{run}/{name}`."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bootcamp.providers.accounts import Accounts
from bootcamp.providers.acts import serve
from bootcamp.providers.control import control_routes, not_found
from bootcamp.providers.faults import Fault

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A larger body is recorded up to here and answered with 413."""
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""All are recorded: a delivery by the wrong method is something to see. Only POST is right."""


@dataclass(frozen=True, slots=True)
class Hook:
    """The endpoint as an ASGI app, so that the journal knows when the answer has been sent."""

    accounts: Accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record, then answer 204 or as scripted."""
        request = Request(scope, receive)
        try:
            body = await _read(request)
        except ClientDisconnect:
            return
        account = self.accounts.of_traffic(request.path_params["run"])
        entry = account.arrive(
            request.path_params["name"],
            (body.decode(errors="replace"),),
            len(body),
            method=request.method,
            path=_path(scope),
            headers=[(k.decode("latin-1"), v.decode("latin-1")) for k, v in _headers(scope)],
            body=base64.b64encode(body[:MAX_BODY_BYTES]).decode(),
            received_at=time.time(),
        )

        async def answer(fault: Fault | None) -> Response:
            if fault:
                return Response(fault.body or "", fault.answer, dict(fault.headers))
            if len(body) > MAX_BODY_BYTES:
                return Response(status_code=413)
            return Response(status_code=204 if request.method == "POST" else 405)

        await serve(account, entry, request, send, answer)


def create_app(token: str) -> Starlette:
    """The sink. `token` opens its control plane."""
    accounts = Accounts()
    app = Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            Route("/hooks/{run}/{name:path}", Hook(accounts), methods=METHODS),
            *control_routes(token, accounts),
        ],
        exception_handlers={404: _no_such_address, 405: _no_such_address},
    )
    app.router.redirect_slashes = False
    return app


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _no_such_address(_: Request, __: Exception) -> Response:
    return not_found()


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    raw: list[tuple[bytes, bytes]] = scope.get("bootcamp.raw_headers") or scope["headers"]
    return raw


def _path(scope: Scope) -> str:
    path = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def _read(request: Request) -> bytes:
    """The body, up to one byte more than is allowed."""
    body = bytearray()
    async for piece in request.stream():
        if len(body) <= MAX_BODY_BYTES:
            body += piece
    return bytes(body[: MAX_BODY_BYTES + 1])
