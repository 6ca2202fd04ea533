"""7.2: how a stream begins: with a snapshot, or behind what the browser has already.

Promises checked here, by their letters in the TODOs: e, f and g (`since`), h, i, j and k (`begin`).
"""

from __future__ import annotations

from functools import partial
from random import Random

import pytest

from autograder.sdk import fail, until
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import STATES, Item, JobsTable
from autograder.week07_dashboard.changes import STRANGER, Changes, row
from autograder.week07_dashboard.resuming import check_resumed, heard, ids, opened, some
from autograder.week07_dashboard.streams import Event, Stream, Streams

pytestmark = pytest.mark.item("7.2")

WAIT_SECONDS = 1.0
"""How long a reading of the rows is held at most, until another stream has got a change."""


def test_the_snapshot(
    streams: Streams, changes: Changes, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """j, h: the owner's rows, and no other's; a change while they are read follows them."""
    rows = [row(rng, state) for state in STATES]
    theirs = [row(rng, state, STRANGER) for state in STATES]
    table.put(*rows, *theirs)
    late, sent = row(rng), "GET /events, while a job changes after the rows were asked for"
    stream, first = begun_while(streams, changes, dynamodb_proxy, late, sent)
    shown = {str(one.get("job_id")) for one in first.data["jobs"] if isinstance(one, dict)}
    if missing := [one["status"] for one in rows if one["id"] not in shown]:
        fail(
            sent="GET /events",
            expected="all jobs in the snapshot",
            got=f"none that is {missing[0]}",
        )
    if any(one["id"] in shown for one in theirs):
        cause = "`snapshot(owner)` gets the owner of the request"
        fail(sent="GET /events", expected="no job of another owner", got="one of them", cause=cause)
    cause = "register the reader before the rows are read: what changes in between is lost else"
    stream.must(
        sent, "the change behind the snapshot", lambda: late["id"] in ids(stream.jobs), cause
    )


def begun_while(
    streams: Streams, changes: Changes, dynamodb_proxy: DynamoDBProxy, late: Item, sent: str
) -> tuple[Stream, Event]:
    """A new stream and its snapshot. The job `late` changes while the rows are read."""
    witness = opened(streams)

    def meanwhile() -> None:
        changes.publish(late)
        until(lambda: late["id"] in ids(witness.jobs), WAIT_SECONDS)

    with dynamodb_proxy.before(meanwhile, lambda request: request.operation == "Query"):
        stream = streams.open(sent)
        return stream, stream.snapshot(sent)


def test_no_snapshot(streams: Streams, dynamodb_proxy: DynamoDBProxy) -> None:
    """j: without the rows there is no stream. The page polls, and tries again."""
    with dynamodb_proxy.watching(lambda request: request.operation != "Query"):
        stream = streams.ask()
    if stream.status != 503:
        sent = "GET /events, while DynamoDB does not answer"
        cause = (
            "let `JobStoreUnavailable` through: without a snapshot the page shows old jobs as live"
        )
        fail(sent=sent, expected="503", got=stream.status or "no answer", cause=cause)


def test_resuming(streams: Streams, changes: Changes, rng: Random) -> None:
    """i, g, j: exactly the changes after the id, in their order, and no snapshot."""
    first = opened(streams)
    position = first.events[0].id
    wanted = some(changes, rng, rng.randint(5, 8))
    events = heard(first, f"{len(wanted)} changes", wanted)
    if len({one.id for one in events} - {"", position}) != len(events):
        cause = "`deliver` counts each change (`self._number`): its id is made of the number"
        fail(
            sent="changes",
            expected="another id for each",
            got=[one.id for one in events],
            cause=cause,
        )
    if ids(events) != wanted:
        fail(sent="changes, one after the other", expected="each once, in order", got=ids(events))
    middle = rng.randrange(1, len(wanted) - 1)
    marks: list[str] = []
    for id_, rest in (
        (events[-1].id, []),  # first: nothing has changed since then
        (position, wanted),
        (events[middle].id, wanted[middle + 1 :]),
    ):
        marks.append(check_resumed(streams, changes, rng, id_, [*rest, *marks]))


def test_resuming_from_a_snapshot(
    streams: Streams, changes: Changes, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """j: a browser that got the snapshot alone resumes with what came while the rows were read."""
    late = row(rng)
    _, first = begun_while(streams, changes, dynamodb_proxy, late, "GET /events")
    sent = "GET /events with the snapshot's id, after a change that came while its rows were read"
    cause = (
        "the snapshot's id is the reader's `position`, which is older than the reading of the rows"
    )
    stream = streams.open(sent, first.id)
    stream.must(sent, "that change", lambda: late["id"] in ids(stream.jobs), cause)


def test_gaps(streams: Streams, changes: Changes, limits: dict[str, int], rng: Random) -> None:
    """f, c: what the log has lost is not passed over in silence; what it still has is sent."""
    keep = limits["EVENTS_KEEP"]
    first = opened(streams)
    start = first.events[0].id
    wanted = []
    for _ in range(keep + 3):  # of our own alone, so that an id is as old as it has followers
        item = row(rng)
        changes.publish(item)
        wanted.append(item["id"])
    events = heard(first, f"{len(wanted)} changes", wanted)
    old = {
        "the snapshot before them all": start,
        "the first of them": events[0].id,
        f"the last that has {keep + 1} after it": events[-(keep + 2)].id,
    }
    for what, last in old.items():
        sent = f"GET /events with Last-Event-ID of {what}, where the log keeps {keep} of {keep + 3}"
        cause = "a gap that reaches back behind the log must get a snapshot: `since` returns None"
        stream = streams.open(sent, last)
        stream.must(sent, "a snapshot", partial(list, stream.events), cause)
        if stream.events[0].type != "snapshot":
            got = f"changes without a snapshot, first {stream.events[0].shown()}"
            fail(sent=sent, expected="a snapshot", got=got, cause=cause)
    check_resumed(streams, changes, rng, events[-(keep + 1)].id, wanted[-keep:])


def test_ids_that_are_not_ours(streams: Streams, rng: Random) -> None:
    """e: another connection's, the future's, or nonsense."""
    own = opened(streams).events[0].id
    epoch, _, number = own.rpartition("-")
    ahead = f"{epoch}-{int(number) + rng.randint(2, 9)}" if number.isdecimal() else "ahead-1"
    strange = ["", "nonsense", "0-0", "-1", f"{rng.getrandbits(32):08x}-{number}", ahead]
    strange += [f"{epoch}-", f"{epoch}--1", f"{epoch}-٣", f"{epoch}-{'9' * 400}", f"{epoch}-1.5"]
    for last in strange:
        sent = f"GET /events with Last-Event-ID {last[:40]!r}"
        cause = "`since` returns None for an id that is not of this feed, or above its last number"
        stream = streams.open(sent, last)
        stream.must(sent, "a snapshot", partial(list, stream.events), cause)
        if stream.events[0].type != "snapshot":
            fail(sent=sent, expected="a snapshot", got=stream.events[0].shown(), cause=cause)


def test_the_latest_changes_follow_the_snapshot(
    long_streams: Streams, changes: Changes, rng: Random
) -> None:
    """k: the index may not have them yet, so they come again, behind the snapshot."""
    warm = opened(long_streams)
    theirs, item = row(rng, owner=STRANGER), row(rng)
    changes.publish(theirs, item)  # no row: to the index they are too young
    heard(warm, "a change", [item["id"]])
    sent = "GET /events, right after a change that the index does not have yet"
    stream = long_streams.open(sent)
    stream.snapshot(sent)
    cause = "behind the snapshot go the changes of the last `overlap` seconds (`feed.recent`)"
    stream.must(sent, "the change once more", lambda: item["id"] in ids(stream.jobs), cause)
    if theirs["id"] in ids(stream.jobs):
        got = "a change of another owner"
        fail(sent=sent, expected="the owner's change alone", got=got, cause=cause)
