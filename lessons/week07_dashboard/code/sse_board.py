"""A server that sends six changes of reports, and resumes a stream if the browser has an id."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

CHANGES = [
    "a.pdf: processing",
    "b.pdf: processing",
    "a.pdf: completed",
    "c.pdf: processing",
    "b.pdf: failed",
    "c.pdf: completed",
]

app = FastAPI()
happened = 0
"""How many of the changes have happened. The program that uses this server counts it up."""


@app.get("/without-ids", response_class=EventSourceResponse)
async def without_ids() -> AsyncIterator[ServerSentEvent]:
    """Send each change from now on."""
    async for _, text in changes_after(happened):
        yield ServerSentEvent(event="report", data=text)


@app.get("/with-ids", response_class=EventSourceResponse)
async def with_ids(
    last_event_id: Annotated[int | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Send each change after the last one that the browser has received."""
    start = happened if last_event_id is None else last_event_id
    async for number, text in changes_after(start):
        yield ServerSentEvent(event="report", data=text, id=str(number))


async def changes_after(number: int) -> AsyncIterator[tuple[int, str]]:
    """The changes with a higher number than this one, as they happen."""
    while True:
        while number < happened:
            number += 1
            yield number, CHANGES[number - 1]
        await asyncio.sleep(0.01)
