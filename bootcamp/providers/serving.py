"""Run a stand-in as a process: its arguments, its server, and what uvicorn does not hand on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from bootcamp.errors import EXIT_USAGE
from bootcamp.ports import KEEP_ALIVE_SECONDS

TOKEN_VARIABLE = "CONTROL_TOKEN"  # noqa: S105 (a variable's name)
SECONDS_TO_STOP = 1
"""How long requests under way may take once the process is told to stop."""


class _Connection(h11.Connection):
    """Keeps the request as it was sent: header names in order, in their own case."""

    request: h11.Request | None = None

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.request = event
        return event


class WitnessProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also hands the transport and the raw headers to the app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn: _Connection = _Connection(h11.SERVER)
        app: ASGIApp = self.app

        async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            scope["bootcamp.transport"] = self.transport
            if self.conn.request is not None:
                scope["bootcamp.raw_headers"] = self.conn.request.headers.raw_items()
            await app(scope, receive, send)

        self.app = with_connection


def main(name: str, make_app: Callable[[str], Starlette]) -> None:
    """Serve `make_app(token)` until told to stop. `name` is what the help calls it."""
    parser = argparse.ArgumentParser(prog=f"python -m bootcamp.providers.{name}")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="loopback unless you say otherwise")
    arguments = parser.parse_args()
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        print(f"{TOKEN_VARIABLE} is not set: nobody could use the control plane.", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)
    uvicorn.run(
        make_app(token),
        host=arguments.host,
        port=arguments.port,
        loop="asyncio",
        http=WitnessProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )
