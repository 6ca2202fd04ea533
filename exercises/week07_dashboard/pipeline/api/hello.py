"""`GET /hello`: the smallest stream there is. It says one thing, and ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

router = APIRouter(tags=["events"])


def greeting(name: str) -> ServerSentEvent:
    """The event that greets somebody: of type `hello`, with the text `Hello, NAME!` as its data."""
    # TODO 7.0:
    #   a) Return a `ServerSentEvent` of the type `hello` whose `data` is the greeting.
    raise NotImplementedError("7.0")


@router.get("/hello", response_class=EventSourceResponse)
async def hello(name: str = "world") -> AsyncIterator[ServerSentEvent]:
    """Stream one event."""
    yield greeting(name)
