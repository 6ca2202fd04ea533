"""`GET /events`: an owner's jobs as they change, as server-sent events."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.middleware import Middleware

from pipeline.api.responses import error_responses
from pipeline.live.closing import HangUp
from pipeline.live.errors import EventsUnavailable, TooManyStreams
from pipeline.live.feed import Change, Feed, Reader
from pipeline.live.settings import live_settings
from pipeline.live.snapshots import snapshot
from pipeline.live.subscription import feeding
from pipeline.models.errors import JobStoreUnavailable
from pipeline.owners import current_owner

logger = logging.getLogger(__name__)

MIDDLEWARE = [Middleware(HangUp)]
router = APIRouter(tags=["events"], lifespan=feeding)


@dataclass(frozen=True)
class Stream:
    """A stream that is about to be sent."""

    reader: Reader
    first: list[ServerSentEvent]
    """What the browser gets before the changes to come."""


def change_events(changes: Iterable[Change]) -> list[ServerSentEvent]:
    """Changes as events."""
    return [ServerSentEvent(event=one.event, raw_data=one.data, id=one.id) for one in changes]


def snapshot_event(data: str, position: str) -> ServerSentEvent:
    """A snapshot as an event, with the id of the change behind which it stands."""
    return ServerSentEvent(event="snapshot", raw_data=data, id=position)


async def begin(feed: Feed, owner: str, last_event_id: str | None) -> Stream:
    """Register a browser for an owner's changes, and say what it must be sent first.

    If this raises, nobody has to remove the reader: the feed holds it by a weak reference.

    Args:
        feed: the changes of all owners.
        owner: whose changes the browser may see.
        last_event_id: the last id that the browser has got, as it says; None at its first visit.

    Raises:
        EventsUnavailable: changes do not reach this process now.
        TooManyStreams: the owner has too many open streams.
        JobStoreUnavailable: there is no snapshot, because DynamoDB is away.
    """
    overlap = live_settings().events_overlap_seconds
    # BEGIN SOLUTION 7.2
    # ? h) Register the reader (`feed.register`) before anything is read, so that no change falls
    # ? between what is read and what follows.
    # ? i) If the feed has all changes of this owner since `last_event_id`, send them and no snapshot.
    # ? j) Otherwise send the `snapshot` of the owner's jobs, with the reader's `position` as its id. Let
    # ? `JobStoreUnavailable` through.
    # ? k) The index behind the snapshot lags: send the changes of the last `overlap` seconds after it
    # ? (`feed.recent`). The page ignores what it knows already.
    reader = feed.register(owner)
    missed = feed.since(last_event_id, owner)
    if missed is not None:
        return Stream(reader, change_events(missed))
    first = snapshot_event(await snapshot(owner), reader.position)
    return Stream(reader, [first, *change_events(feed.recent(reader, overlap))])
    # END SOLUTION


async def opened(
    request: Request,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that you have got.")
    ] = None,
) -> AsyncIterator[Stream]:
    """The stream of a request, and its end. What it raises is answered before anything is sent."""
    feed: Feed = request.state.feed
    stream = await begin(feed, current_owner(), last_event_id)
    stream.reader.hang_up = request.state.hang_up
    try:
        yield stream
    finally:
        feed.remove(stream.reader)


@router.get(
    "/events",
    summary="Watch your jobs",
    response_class=EventSourceResponse,
    responses=error_responses(EventsUnavailable, TooManyStreams, JobStoreUnavailable),
)
async def events(stream: Annotated[Stream, Depends(opened)]) -> AsyncIterator[ServerSentEvent]:
    """First a `snapshot` (or, with `Last-Event-ID`, the changes since then), then a `job` for each
    change and a `progress` while a step runs. A `heartbeat` breaks the silence. A change may come twice:
    the higher `revision` is the newer one.
    """
    settings = live_settings()
    yield ServerSentEvent(comment="jobs", retry=round(settings.events_retry_seconds * 1000))
    for event in stream.first:
        yield event
    refreshed = time.monotonic()
    async for change in stream.reader.changes(settings.events_heartbeat_seconds):
        if change is None:
            yield ServerSentEvent(event="heartbeat", data={})
        else:
            for event in change_events([change]):
                yield event
        if time.monotonic() > refreshed + settings.events_refresh_seconds:
            refreshed = time.monotonic()
            if again := await refreshed_snapshot(stream.reader.owner):
                yield again


async def refreshed_snapshot(owner: str) -> ServerSentEvent | None:
    """The rows once more, in case that a message was lost. None: DynamoDB is away."""
    try:
        return ServerSentEvent(event="snapshot", raw_data=await snapshot(owner))
    except JobStoreUnavailable as error:
        logger.warning("a stream was not refreshed: %r", error)
        return None
