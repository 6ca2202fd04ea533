"""7.2: changes reach the browsers of their owner at once, and nobody's backlog grows.

Promises checked here, by their letters in the TODOs: a and b (`offer`), c and d (`deliver`).

What a submission could fake:
- counts: changes are counted by the reader, by random ids. Each must come once, and in order.
- witness: the grader writes the rows and publishes the changes itself, past the student's code.
- place: the sizes of queue and log, owners and positions are random.
- store: a snapshot comes from the table, and changes come from Redis. Both are the grader's.
- probe: a stream of the grader's is like any other one. One function is called in the calling process,
  for a connection to Redis that is new.
"""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from functools import partial
from random import Random
from urllib.parse import urlsplit

import pytest

from autograder.sdk import fail
from autograder.week07_dashboard.changes import STRANGER, Changes, row
from autograder.week07_dashboard.streams import Stream, Streams

pytestmark = pytest.mark.item("7.2")

MESSAGE_BYTES = 60_000
BURST = 160
"""Messages that are published: more than the queue and all buffers between server and client hold."""
BUFFER_BYTES = 8_192
"""What the client's side holds of a stream that nobody reads."""
PACE = 20
"""So many at a time, less than any queue here: one that reads is never behind."""
END_SECONDS = 20.0
TRY_SECONDS = 0.1
OFFERED = "`deliver` offers it to the readers, and `offer` wakes the stream (`self._news.set`)"


def test_the_owner_alone(streams: Streams, changes: Changes, rng: Random) -> None:
    """a, d: two browsers of the owner get every change at once, and none of another owner."""
    both = [streams.open("GET /events") for _ in range(2)]
    for stream in both:
        stream.snapshot("GET /events")
    theirs, ours = row(rng, "processing", STRANGER), [row(rng) for _ in range(3)]
    for item in ours:
        changes.publish(theirs, item)
        changes.progress(theirs, "embed", rng.randint(51, 79))
    changes.progress(ours[-1], "embed", 60)
    for stream in both:
        check_no_stranger(stream, theirs["id"])
        check_got(stream, [one["id"] for one in ours])


def check_no_stranger(stream: Stream, job_id: str) -> None:
    """The stranger's change was published first, so it would be there before any other."""
    stream.must("a change", "an event", lambda: stream.jobs, OFFERED)
    text = str([one.data for one in stream.events])
    if job_id in text or STRANGER in text:
        cause = "`deliver` offers a change to `readers_of(owner)`, and to nobody else"
        fail(sent="a change of another owner", expected="nothing", got=text[:300], cause=cause)


def check_got(stream: Stream, wanted: list[str]) -> None:
    sent = f"{len(wanted)} changes, with a stream open"
    progress = lambda: [one for one in list(stream.events) if one.type == "progress"]  # noqa: E731
    stream.must(sent, "each of them at once, then the progress", progress, OFFERED)
    got = [one.job_id for one in stream.jobs]
    if got != wanted:
        expected = f"each of them once, in order: {[one[:8] for one in wanted]}"
        fail(sent=sent, expected=expected, got=[one[:8] for one in got], cause=OFFERED)


def test_a_burst_that_is_read(streams: Streams, changes: Changes, rng: Random) -> None:
    """a, b: what waits for a browser that reads is no reason to end its stream."""
    stream = streams.open("GET /events")
    stream.snapshot("GET /events")
    rows = [row(rng) for _ in range(PACE)]
    changes.publish(*rows)
    sent = f"{PACE} changes in one moment"
    cause = "a stream ends at `self._limit` changes that wait, not before"
    stream.must(sent, "all of them", lambda: len(stream.jobs) >= PACE, cause)


def test_one_that_does_not_read(
    streams: Streams, changes: Changes, limits: dict[str, int], rng: Random
) -> None:
    """b: its stream is closed. It gets no gap without a word, and the API keeps no backlog for it."""
    witness = streams.open("GET /events")
    witness.snapshot("GET /events")
    with asked_raw(streams) as slow:
        slow.recv(1024)
        long = {"type": "x", "message": "y" * MESSAGE_BYTES}
        item = row(rng, "failed", error=long)
        for number in range(PACE, BURST + 1, PACE):
            changes.publish(*[item] * PACE)
            sent = f"{number} changes of {MESSAGE_BYTES} bytes, with one browser that does not read"
            cause = "one slow browser must not hold up the others"
            witness.must(sent, "all of them", partial(has, witness, number), cause)
        check_closed(streams, witness.events[-1].id, limits)


def check_closed(streams: Streams, last: str, limits: dict[str, int]) -> None:
    """The stream that nobody reads is over: so many others may be open beside the witness."""
    others = limits["EVENTS_STREAMS_PER_OWNER"] - 1
    deadline = time.monotonic() + END_SECONDS
    with ExitStack() as stack:
        while others and time.monotonic() < deadline:
            client = stack.enter_context(asked_raw(streams, last))
            if b" 200 " in client.recv(1024).split(b"\r\n")[0]:
                others -= 1
            else:
                time.sleep(TRY_SECONDS)
    if others:
        queue = limits["EVENTS_QUEUE"]
        fail(
            sent=f"{BURST} changes, where {queue} may wait, to a browser that does not read",
            expected="its stream is closed, so that it comes back and resumes",
            got="the stream is still there",
            cause="if `self._limit` changes wait, `offer` calls `self.end()`, which hangs up even on "
            "a browser that does not read. It drops none in silence",
        )


def asked_raw(streams: Streams, last: str = "") -> socket.socket:
    """A connection that has asked for a stream and reads nothing by itself."""
    where = urlsplit(streams.api.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)  # counts before `connect`
    client.settimeout(END_SECONDS)
    client.connect((where.hostname, where.port))
    header = f"Last-Event-ID: {last}\r\n" if last else ""
    client.sendall(
        f"GET /events HTTP/1.1\r\nHost: here\r\n{header}Connection: close\r\n\r\n".encode()
    )
    return client


def has(stream: Stream, count: int) -> bool:
    return len(stream.jobs) >= count
