"""Streams that go on behind an id, and what they must get."""

from __future__ import annotations

from random import Random

from autograder.sdk import fail
from autograder.week07_dashboard.changes import STRANGER, Changes, row
from autograder.week07_dashboard.streams import Event, Stream, Streams

RESUMES = "`since` gives what the log has behind the number, `begin` sends that and no snapshot"


def ids(events: list[Event]) -> list[str]:
    return [one.job_id for one in events]


def some(changes: Changes, rng: Random, count: int) -> list[str]:
    """Publish that many changes of the own jobs, with some of another owner in between."""
    found = []
    for _ in range(count):
        item = row(rng)
        changes.publish(row(rng, owner=STRANGER), item)
        found.append(item["id"])
    return found


def opened(streams: Streams) -> Stream:
    stream = streams.open("GET /events")
    stream.snapshot("GET /events")
    return stream


def heard(stream: Stream, sent: str, wanted: list[str]) -> list[Event]:
    """The stream's changes, once the last of `wanted` has come."""
    cause = "`deliver` appends to the log and offers to the readers; `offer` wakes the stream"
    stream.must(sent, "each change, within seconds", lambda: wanted[-1] in ids(stream.jobs), cause)
    return stream.jobs


def check_resumed(
    streams: Streams,
    changes: Changes,
    rng: Random,
    last: str,
    rest: list[str],
    cause: str = RESUMES,
) -> str:
    """A stream that resumes gets `rest`, and then what changes next. Gives the id of that job."""
    sent = f"GET /events with Last-Event-ID of an event after which {len(rest)} changes came"
    stream = streams.open(sent, last)
    if rest:  # one more change could push the oldest out of the log
        there = lambda: stream.snapshots or len(stream.jobs) >= len(rest)  # noqa: E731
        stream.must(sent, "those changes", there, cause)
    mark = row(rng)
    changes.publish(mark)
    stream.must(sent, "the stream goes on", lambda: mark["id"] in ids(stream.jobs), cause)
    if stream.snapshots:
        fail(sent=sent, expected="those changes, and no snapshot", got="a snapshot", cause=cause)
    got = ids(stream.jobs)
    if got[: got.index(mark["id"])] != rest:
        got_text = f"{len(got) - 1} changes: {[one[:8] for one in got]}"
        expected = f"exactly these: {[one[:8] for one in rest]}"
        fail(sent=sent, expected=expected, got=got_text, cause=cause)
    return str(mark["id"])
