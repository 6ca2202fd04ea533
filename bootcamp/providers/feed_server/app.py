"""The HTTP side of the feed server: `GET /feeds/{run}/{name}`.

Beside the control plane of all stand-ins it has two routes for documents:

    POST   /control/accounts/{account}/documents   {"name": …, "body": base64, "headers": {…}}
    DELETE /control/accounts/{account}/documents
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bootcamp.providers.accounts import Accounts
from bootcamp.providers.acts import serve
from bootcamp.providers.control import control_routes, not_found
from bootcamp.providers.faults import Fault
from bootcamp.providers.feed_server.documents import Document, Documents

METHODS = ["GET", "HEAD", "POST"]
"""All are recorded. A feed is read with GET."""
CACHE_HEADERS = ("etag", "last-modified", "cache-control")
"""What a 304 repeats (RFC 9110, 15.4.5)."""


@dataclass(frozen=True, slots=True)
class Feeds:
    """The endpoint as an ASGI app, so that the journal knows when the answer has been sent."""

    accounts: Accounts
    documents: Documents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record, then serve the document or answer as scripted."""
        request = Request(scope, receive)
        await request.body()
        run, name = request.path_params["run"], request.path_params["name"]
        account = self.accounts.of_traffic(run)
        raw = scope.get("bootcamp.raw_headers") or scope["headers"]
        headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in raw]
        path = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        entry = account.arrive(
            name,
            (path,),
            sum(len(key) + len(value) for key, value in headers),
            method=request.method,
            path=f"{path}?{query}" if query else path,
            headers=headers,
        )

        async def answer(fault: Fault | None) -> Response:
            if fault:
                return Response(fault.body or "", fault.answer, dict(fault.headers))
            return _served(request, self.documents.find(run, name))

        await serve(account, entry, request, send, answer)


def _served(request: Request, document: Document | None) -> Response:
    if document is None:
        return Response("There is no such feed.", 404)
    if request.method == "POST":
        return Response(status_code=405)
    if document.is_known(dict(request.headers)):
        kept = {key: document.headers[key] for key in CACHE_HEADERS if key in document.headers}
        return Response(status_code=304, headers=kept)
    return Response(document.body, headers=dict(document.headers))


def create_app(token: str) -> Starlette:
    """The server. `token` opens its control plane."""
    accounts, documents = Accounts(), Documents()
    app = Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            Route("/feeds/{run}/{name:path}", Feeds(accounts, documents), methods=METHODS),
            *_document_routes(token, documents),
            *control_routes(token, accounts),
        ],
        exception_handlers={404: _no_such_address, 405: _no_such_address},
    )
    app.router.redirect_slashes = False
    return app


def _document_routes(token: str, documents: Documents) -> list[Route]:
    def allowed(request: Request) -> bool:
        sent = request.headers.get("authorization", "").encode()
        return secrets.compare_digest(sent, f"Bearer {token}".encode())

    async def publish(request: Request) -> Response:
        if not allowed(request):
            return not_found()
        try:
            documents.publish(request.path_params["account"], await request.json())
        except ValueError as error:
            return JSONResponse({"message": str(error)}, 400)
        return Response(status_code=204)

    async def withdraw(request: Request) -> Response:
        if not allowed(request):
            return not_found()
        documents.withdraw(request.path_params["account"])
        return Response(status_code=204)

    path = "/control/accounts/{account:path}/documents"
    return [
        Route(path, publish, methods=["POST"]),
        Route(path, withdraw, methods=["DELETE"]),
    ]


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _no_such_address(_: Request, __: Exception) -> Response:
    return not_found()
