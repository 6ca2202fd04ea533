"""Passes changes on to the browsers of their owner, and keeps the latest ones for browsers that resume.

Everything here runs on the event loop. Only `Reader.changes` waits.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from uuid import uuid4
from weakref import WeakSet

import anyio

from pipeline.live.errors import EventsUnavailable, TooManyStreams


@dataclass(frozen=True)
class Change:
    """One event for the browsers of an owner."""

    owner: str
    event: str
    """The event's type: `job` or `progress`."""
    data: str
    """JSON, the same text for every browser."""
    number: int | None = None
    """Its place among the changes. Progress has none: nobody asks for it again."""
    id: str | None = None
    """The event's id for the browser."""
    at: float = 0.0
    """When it came, by the monotonic clock."""


class Reader:
    """One open stream: the changes that wait for one browser."""

    def __init__(self, owner: str, newest: int, position: str, at: float, limit: int) -> None:
        self.owner = owner
        self.newest = newest
        """The number of the newest change when the reader was registered. It gets those that follow."""
        self.position = position
        """The id of that change."""
        self.at = at
        """When the reader was registered, by the feed's clock."""
        self.ended = False
        self.hang_up: Callable[[], None] = lambda: None
        """Called when the stream must end, whether or not the browser reads."""
        self._limit = limit
        self._waiting: deque[Change] = deque()
        self._news = anyio.Event()

    def offer(self, change: Change) -> None:
        """Let a change wait for the browser. Called on the event loop; must not wait."""
        if self.ended:
            return
        # TODO 7.2:
        #   a) Add the change to those that wait (`self._waiting`), and wake the stream
        #      (`self._news.set`).
        #   b) If `self._limit` changes wait already, call `self.end()` instead: it ends the stream
        #      even if the browser does not read. Never drop a change silently, and never let the
        #      queue grow longer. The browser connects again, and resumes.
        raise NotImplementedError("7.2")

    def end(self) -> None:
        """End the stream. What still waits is not sent: the browser resumes behind what it has."""
        if not self.ended:
            self.ended = True
            self._waiting.clear()
            self._news.set()
            self.hang_up()

    async def changes(self, silence: float) -> AsyncIterator[Change | None]:
        """The changes as they come, and None after each `silence` seconds without any."""
        while not self.ended:
            if self._waiting:
                yield self._waiting.popleft()
                continue
            self._news = anyio.Event()
            with anyio.move_on_after(silence) as scope:
                await self._news.wait()
            if scope.cancelled_caught and not self._waiting:
                yield None


class Feed:
    """The latest changes of all owners, and the open streams of this API process.

    Args:
        keep: how many changes of all owners are kept for browsers that resume.
        queue: how many changes may wait for one browser.
        streams: how many streams one owner may have.
        clock: seconds, never going back.
    """

    def __init__(
        self, keep: int, queue: int, streams: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._streams = streams
        self._clock = clock
        self._log: deque[Change] = deque(maxlen=keep)
        self._number = 0
        self._epoch: str | None = None
        self._closed = False
        self._readers: defaultdict[str, WeakSet[Reader]] = defaultdict(WeakSet)
        self.opened = anyio.Event()
        """Set once the feed has been connected for the first time."""

    # -- the side of Redis ------------------------------------------------------------------------

    def connect(self) -> None:
        """Changes come from now on. Ids of earlier connections are no longer known: what happened
        between two connections was never heard here.
        """
        if self._closed:
            return
        self._epoch = uuid4().hex[:8]
        self._log.clear()
        self.opened.set()

    def disconnect(self) -> None:
        """No more changes come. Every stream ends, so no browser believes that nothing happens."""
        self._epoch = None
        for readers in self._readers.values():
            for reader in tuple(readers):
                reader.end()

    def close(self) -> None:
        """The process stops: end every stream, and open no more."""
        self._closed = True
        self.disconnect()

    def deliver(self, owner: str, data: str) -> None:
        """Take in one change of a job.

        Args:
            owner: whose job it is.
            data: the job as JSON.
        """
        number = self._number + 1
        change = Change(owner, "job", data, number, self._id(number), self._clock())
        # TODO 7.2:
        #   c) Count it (`self._number`), and append it to the log, which drops its oldest entry by
        #      itself. Do so for every change, because a browser of its owner may resume later.
        #   d) Offer it to the readers of this owner (`self.readers_of`), and to nobody else.
        raise NotImplementedError("7.2")

    def tell(self, owner: str, data: str) -> None:
        """Take in a job's progress. It has no id, and is not kept."""
        for reader in self.readers_of(owner):
            reader.offer(Change(owner, "progress", data))

    def readers_of(self, owner: str) -> tuple[Reader, ...]:
        """The readers of this owner's changes."""
        return tuple(self._readers.get(owner, ()))

    # -- the side of the browsers -----------------------------------------------------------------

    def register(self, owner: str) -> Reader:
        """A new reader of an owner's changes. It misses nothing from this moment on.

        The feed holds it by a weak reference: a reader that nobody uses any more is gone.

        Raises:
            EventsUnavailable: changes do not reach this process now.
            TooManyStreams: the owner has too many open streams.
        """
        if self._epoch is None:
            raise EventsUnavailable
        if len(self.readers_of(owner)) >= self._streams:
            raise TooManyStreams
        number = self._number
        reader = Reader(owner, number, self._id(number), self._clock(), self._queue)
        self._readers[owner].add(reader)
        return reader

    def remove(self, reader: Reader) -> None:
        """The stream is over."""
        reader.end()
        if readers := self._readers.get(reader.owner):
            readers.discard(reader)
        if not readers:
            self._readers.pop(reader.owner, None)

    def since(self, last_event_id: str | None, owner: str) -> list[Change] | None:
        """The owner's changes after the one with this id, oldest first.

        Args:
            last_event_id: what the browser sent: anything.
            owner: whose changes are wanted.

        Returns:
            None: the log does not have all of them, so the browser needs a snapshot.
        """
        number = self._number_of(last_event_id)
        # TODO 7.2:
        #   e) Return None for an id that is not of this feed: `number` is None then, or above
        #      `self._number`.
        #   f) Return None if the log may lack a change after this id, because the gap is too old.
        #      The log has the changes of all owners in order, without holes. `connect` empties it,
        #      and the numbers go on.
        #   g) Otherwise return the changes after this id that belong to the owner. If there are
        #      none, return an empty list.
        raise NotImplementedError("7.2")

    def recent(self, reader: Reader, seconds: float) -> list[Change]:
        """The owner's changes of the last `seconds` before the reader was registered.

        They have no id, because the reader's position is behind them already.
        """
        return [
            replace(one, id=None)
            for one in self._log
            if one.owner == reader.owner
            and one.at >= reader.at - seconds
            and (one.number or 0) <= reader.newest
        ]

    def _id(self, number: int) -> str:
        return f"{self._epoch}-{number}"

    def _number_of(self, event_id: str | None) -> int | None:
        """The number in an id of this connection. None: it is another's, or nonsense."""
        epoch, _, number = (event_id or "").partition("-")
        known = epoch == self._epoch and number.isascii() and number.isdecimal()
        return int(number) if known and len(number) < 19 else None
