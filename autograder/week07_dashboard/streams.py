"""Reads `GET /events` as a browser does, and tells by a card what it did not get."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from autograder.sdk import Api, fail, until
from autograder.sdk.api_log import traceback_in

OPEN_SECONDS = 20.0
NEWS_SECONDS = 20.0
"""How long a change may take. Far below the heartbeat of the checks, and far above what it takes."""
TOO_MANY_STREAMS = 429
CLOSED_SECONDS = 10.0
"""How long a busy API may need to notice that streams were closed."""
AGAIN_SECONDS = 0.2
MAX_EVENTS = 5_000
SILENCE_SECONDS = 90.0
NOTHING: dict[str, Any] = {}


@dataclass(frozen=True)
class Event:
    """One event. `data` is {} if it was no JSON object."""

    type: str
    id: str
    data: dict[str, Any]

    @property
    def job_id(self) -> str:
        return str(self.data.get("job_id"))

    def shown(self) -> str:
        """The event in a card."""
        return f"{self.type} {self.job_id[:8] if self.type == 'job' else ''}".strip()


@dataclass
class Stream:
    """An open stream, read in a thread."""

    api: Api
    last_event_id: str | None = None
    events: list[Event] = field(default_factory=list)
    status: int = 0
    error: str = ""
    opened: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    _socket: socket.socket | None = None

    def start(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        headers = {} if self.last_event_id is None else {"Last-Event-ID": self.last_event_id}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            with (
                # no certificates: reading them takes as long as all else here
                httpx.Client(trust_env=False, verify=False, timeout=SILENCE_SECONDS) as http,  # noqa: S501
                http.stream("GET", f"{self.api.url}/events", headers=raw) as answer,
            ):
                self._socket = answer.extensions["network_stream"].get_extra_info("socket")
                self.status = answer.status_code
                self.opened.set()
                self._lines(answer)
        except (httpx.HTTPError, ValueError) as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.ended.set()
            self.opened.set()

    def _lines(self, answer: httpx.Response) -> None:
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            if not line and "data" in fields:
                self.events.append(_event(fields))
            if not line:
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
            if len(self.events) > MAX_EVENTS:
                return

    def close(self) -> None:
        """Leave, as a browser does that goes elsewhere."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self.ended.wait(5)

    # -- what it must have got ------------------------------------------------------------------

    @property
    def jobs(self) -> list[Event]:
        return [one for one in list(self.events) if one.type == "job"]

    @property
    def snapshots(self) -> list[Event]:
        return [one for one in list(self.events) if one.type == "snapshot"]

    def must(
        self, sent: str, expected: str, ready: Callable[[], Any], cause: str, wait: float = 0
    ) -> Any:
        """What `ready` says, once that is true. Never: a card."""
        found = until(lambda: ready() or None, wait or NEWS_SECONDS)
        if not found:
            shown = [one.shown() for one in list(self.events)][-12:]
            ended = "; the stream has ended" if self.ended.is_set() else ""
            got = f"{shown or 'no event'}{ended}"
            fail(sent=sent, expected=expected, got=got, cause=cause, log=self.trouble())
        return found

    def snapshot(self, sent: str) -> Event:
        """The first event, which must be a snapshot with its id."""
        cause = "without an id, or one that is known completely, `begin` sends the `snapshot` first"
        self.must(sent, "a snapshot of the jobs", lambda: self.events, cause)
        first = self.events[0]
        if first.type != "snapshot" or not isinstance(first.data.get("jobs"), list):
            fail(
                sent=sent, expected="first a `snapshot` of the jobs", got=first.shown(), cause=cause
            )
        if not first.id:
            cause = "a browser resumes behind the snapshot only if that has the reader's `position`"
            fail(sent=sent, expected="an id with the snapshot", got="none", cause=cause)
        return first

    def trouble(self) -> tuple[str, ...]:
        """What the API's log says of an error."""
        log = self.api.logs()
        return traceback_in(log) if "Traceback" in log else ()


def _event(fields: dict[str, str]) -> Event:
    try:
        data = json.loads(fields["data"])
    except (ValueError, RecursionError):
        data = NOTHING
    data = data if isinstance(data, dict) else NOTHING
    return Event(fields.get("event", "message"), fields.get("id", ""), data)


class Streams:
    """The streams of one test."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._open: list[Stream] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for one in self._open:
            one.close()

    def open(self, sent: str, last_event_id: str | None = None) -> Stream:
        """Open a stream, and wait for its headers. Anything but 200 is a card.

        A 429 is asked again: on a busy machine the API counts streams that have just been closed.
        """
        tries: list[Stream] = []

        def accepted() -> bool:
            tries.append(self.ask(last_event_id))
            return tries[-1].status != TOO_MANY_STREAMS

        until(accepted, CLOSED_SECONDS, AGAIN_SECONDS)
        stream = tries[-1]
        if stream.status != 200:
            got = f"{stream.status}" if stream.status else stream.error or "no answer"
            cause = (
                "an exception in the route: the log below names it" if stream.status == 500 else ""
            )
            fail(
                sent=sent,
                expected="200, and a stream of events",
                got=got,
                cause=cause,
                log=stream.trouble(),
            )
        return stream

    def ask(self, last_event_id: str | None = None) -> Stream:
        """Ask for a stream, and wait for the headers of the answer, whatever its status is."""
        stream = Stream(self.api, last_event_id)
        self._open.append(stream)
        stream.start()
        stream.opened.wait(OPEN_SECONDS)
        return stream
