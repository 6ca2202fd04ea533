"""How a stand-in carries out a fault: the only place that touches the connection itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope

from bootcamp.providers.faults import Fault

ENDLESS_BODY_BYTES = 256 * 1024 * 1024
"""Where an endless body ends after all."""
DRIPS = 20
"""In how many pieces a slow body is sent."""
GARBAGE = b'{"object": "list", "data": [{"object": "embed'

Answer = Callable[[], Awaitable[Response]]


async def perform(
    fault: Fault | None, request: Request, answer: Answer, scripted: Callable[[Fault], Response]
) -> Response | None:
    """Answer a request as its fault wants it.

    Args:
        fault: what to do wrong, or None.
        request: its body must have been read.
        answer: makes the right answer.
        scripted: makes the answer of a fault of kind "status".

    Returns the response to send, or None when there is nobody left to send it to.
    """
    if fault is None or fault.kind == "pass":
        return await answer()
    if fault.kind == "timeout":
        if not await client_leaves(request.receive, fault.seconds):
            await drop(request.scope, request.receive)
        return None
    if fault.kind == "slow_body":
        return _dripping(await answer(), fault.seconds)
    if fault.seconds and await client_leaves(request.receive, fault.seconds):
        return None
    if fault.kind == "drop":
        await drop(request.scope, request.receive)
        return None
    if fault.kind == "status":
        return scripted(fault)
    if fault.kind == "garbage":
        return Response(GARBAGE, media_type="application/json")
    if fault.kind == "endless":
        return StreamingResponse(_endless(), media_type="application/json")
    return await answer()


async def client_leaves(receive: Receive, seconds: float) -> bool:
    """Wait; return True as soon as the client has gone, False after `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
            return True
    return False


async def drop(scope: Scope, receive: Receive) -> None:
    """Close the TCP connection under the client's feet, with nothing sent."""
    scope["bootcamp.transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _dripping(response: Response, seconds: float) -> Response:
    body = bytes(response.body)
    size = max(1, -(-len(body) // DRIPS))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            await asyncio.sleep(seconds / DRIPS)
            yield body[start : start + size]

    return StreamingResponse(pieces(), response.status_code, dict(response.headers))


async def _endless() -> AsyncIterator[bytes]:
    piece = b" " * 65_536
    for _ in range(ENDLESS_BODY_BYTES // len(piece)):
        yield piece
