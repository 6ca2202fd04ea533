"""Ends the response of a stream whose browser does not read. Given to students complete.

Such a response hangs where it writes: the browser's buffers are full. No code of the route runs then, so
the end has to come from outside of it. To an application a client that is gone looks like a message,
`http.disconnect`, and Starlette ends the response at once. This middleware sends that message.
"""

from __future__ import annotations

from functools import partial

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.live.settings import live_settings

STREAM_PATH = "/events"


class HangUp:
    """Lets a route of `STREAM_PATH` disconnect its own client: `request.state.hang_up()`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != STREAM_PATH:
            await self._app(scope, receive, send)
            return
        asked = anyio.Event()
        scope.setdefault("state", {})["hang_up"] = asked.set
        await self._app(scope, partial(_receive, receive, asked), send)


async def _receive(receive: Receive, asked: anyio.Event) -> Message:
    """The next message of the client. Once the route has hung up: that the client is gone."""
    message: Message = {"type": "http.disconnect"}

    async with anyio.create_task_group() as group:

        async def after_grace() -> None:
            await asked.wait()
            await anyio.sleep(live_settings().events_grace_seconds)
            group.cancel_scope.cancel()

        group.start_soon(after_grace)
        message = await receive()
        group.cancel_scope.cancel()
    return message
