"""The process of the sink: HTTP for the control plane, and the SMTP server beside it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bootcamp.ports import LOOPBACK
from bootcamp.providers.accounts import Accounts
from bootcamp.providers.control import control_routes
from bootcamp.providers.mail_sink.session import MAX_LINE_BYTES, Connections

PORT_VARIABLE = "SMTP_PORT"


def create_app(token: str) -> Starlette:
    """The sink. `token` opens its control plane; mail arrives at the port that SMTP_PORT names."""
    accounts = Accounts()
    connections = Connections(accounts)

    @asynccontextmanager
    async def smtp(_: Starlette) -> AsyncIterator[None]:
        server = await asyncio.start_server(
            connections.serve, LOOPBACK, int(os.environ[PORT_VARIABLE]), limit=MAX_LINE_BYTES
        )
        try:
            yield
        finally:
            server.close()
            connections.close()

    return Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            *control_routes(token, accounts),
        ],
        lifespan=smtp,
    )


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})
