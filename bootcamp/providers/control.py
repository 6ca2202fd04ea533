"""The control plane of a stand-in: who may script faults and read journals.

    GET    /control/accounts/{account}/journal?after=N
    POST   /control/accounts/{account}/faults      {"faults": [...]}
    DELETE /control/accounts/{account}

Without `Authorization: Bearer <CONTROL_TOKEN>` each of them answers 404, as if it were not there.
"""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bootcamp.providers.accounts import Accounts
from bootcamp.providers.faults import Fault


def control_routes(token: str, accounts: Accounts) -> list[Route]:
    """The routes, for the token that opens them."""

    def allowed(request: Request) -> bool:
        sent = request.headers.get("authorization", "").encode()
        return secrets.compare_digest(sent, f"Bearer {token}".encode())

    async def journal(request: Request) -> Response:
        if not allowed(request):
            return not_found()
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            return JSONResponse({"message": "after is a sequence number"}, 400)
        return JSONResponse(accounts.watched(request.path_params["account"]).journal(int(after)))

    async def script(request: Request) -> Response:
        if not allowed(request):
            return not_found()
        try:
            faults = [Fault.from_json(record) for record in (await request.json())["faults"]]
            accounts.watched(request.path_params["account"]).script(faults)
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse({"message": str(error)}, 400)
        return Response(status_code=204)

    async def clear(request: Request) -> Response:
        if not allowed(request):
            return not_found()
        accounts.clear(request.path_params["account"])
        return Response(status_code=204)

    base = "/control/accounts/{account:path}"
    return [
        Route(f"{base}/journal", journal, methods=["GET"]),
        Route(f"{base}/faults", script, methods=["POST"]),
        Route(base, clear, methods=["DELETE"]),
    ]


def not_found() -> Response:
    """The answer to an address that does not exist, and to a control request without the token."""
    return JSONResponse({"error": {"message": "Not found.", "type": "invalid_request_error"}}, 404)
