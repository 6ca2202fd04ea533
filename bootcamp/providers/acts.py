"""How a stand-in carries out a fault: the only place that touches the connection itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from bootcamp.providers.accounts import Account, Entry
from bootcamp.providers.faults import CHAT_KINDS, Fault

ENDLESS_BODY_BYTES = 256 * 1024 * 1024
"""Where an endless body ends after all."""
DRIPS = 20
"""In how many pieces a slow body is sent."""
GARBAGE = b'{"object": "list", "data": [{"object": "embed'

Answer = Callable[[Fault | None], Awaitable[Response]]
"""Makes the right answer; given a fault (of kind "status", or of a kind of the chat), the answer that it
asks for."""


class _ClientGoneError(Exception):
    """The client closed the connection before it had the whole answer."""


async def serve(
    account: Account, entry: Entry, request: Request, send: Send, answer: Answer
) -> None:
    """Answer a request as its fault wants it, and note how it ended.

    Args:
        account: whose journal the entry stands in.
        entry: made by `Account.arrive`.
        request: its body must have been read.
        send: where the answer goes.
        answer: makes the answer.
    """
    status = None

    async def watched(message: Message) -> None:
        nonlocal status
        if request.scope["bootcamp.transport"].is_closing():
            raise _ClientGoneError  # uvicorn would go on and send to nobody
        await send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            status = response.status_code

    try:
        fault: Fault | None = entry["fault"]
        if fault is None or not await _nobody_waits(fault, request):
            response = await _response(fault, answer)
            with suppress(_ClientGoneError):
                await response(request.scope, request.receive, watched)
    finally:
        account.finish(entry, status)


async def _nobody_waits(fault: Fault, request: Request) -> bool:
    """Wait as the fault says. True: the connection is gone, there is nobody to answer."""
    if fault.kind == "slow_body":
        return False
    gone = fault.seconds > 0 and await client_leaves(request.receive, fault.seconds)
    if not gone and fault.kind in ("timeout", "drop"):
        await drop(request.scope, request.receive)
        return True
    return gone


async def _response(fault: Fault | None, answer: Answer) -> Response:
    match fault:
        case Fault(kind=kind) if kind == "status" or kind in CHAT_KINDS:
            return await answer(fault)
        case Fault(kind="garbage"):
            return Response(GARBAGE, media_type="application/json")
        case Fault(kind="endless"):
            return StreamingResponse(_endless(), media_type="application/json")
        case Fault(kind="slow_body"):
            return await _dripping(await answer(None), fault.seconds)
    return await answer(None)


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


async def _dripping(response: Response, seconds: float) -> Response:
    body = await _body_of(response)
    size = max(1, -(-len(body) // DRIPS))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            await asyncio.sleep(seconds / DRIPS)
            yield body[start : start + size]

    return StreamingResponse(pieces(), response.status_code, dict(response.headers))


async def _body_of(response: Response) -> bytes:
    if not isinstance(response, StreamingResponse):
        return bytes(response.body)
    pieces = [piece async for piece in response.body_iterator]
    return b"".join(piece.encode() if isinstance(piece, str) else bytes(piece) for piece in pieces)


async def _endless() -> AsyncIterator[bytes]:
    piece = b" " * 65_536
    for _ in range(ENDLESS_BODY_BYTES // len(piece)):
        yield piece
