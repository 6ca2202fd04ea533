"""7.2: how much may wait for a browser, and what the log keeps while no browser listens.

Promises checked here, by their letters in the TODOs: b (`offer`), c (`deliver`), f (`since`).
"""

from __future__ import annotations

import time
from functools import partial
from random import Random

import pytest

from autograder.sdk import CheckFailed, Student, fail, failure_card, until
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.week07_dashboard.changes import STRANGER, Changes, row
from autograder.week07_dashboard.resuming import check_resumed, heard, ids, opened
from autograder.week07_dashboard.streams import Stream, Streams

pytestmark = pytest.mark.item("7.2")

PACE = 20
"""So many changes at a time, less than any queue here: a browser that reads is never behind."""
HOLD_SECONDS = 4.0
"""How long a reading of the rows is held at most. The API waits longer than that for DynamoDB."""
TRIES = 5
END_SECONDS = 20.0
LEAVE_SECONDS = 0.2


def has(stream: Stream, count: int) -> bool:
    return len(stream.jobs) >= count


def progress_of(stream: Stream) -> int:
    return sum(one.type == "progress" for one in list(stream.events))


def behind(
    streams: Streams,
    changes: Changes,
    dynamodb_proxy: DynamoDBProxy,
    rng: Random,
    count: int,
    progress: int = 0,
) -> tuple[Stream, list[str]]:
    """A new stream, and the jobs of so many changes that waited for it before its first event.

    After the changes of rows come `progress` messages about the first job's progress.

    They come while its rows are read: its reader is registered, and takes nothing yet. Another stream
    tells that they have come. If they did not in time, on a busy machine, it is tried again.
    """
    for _ in range(TRIES):
        witness, rows = opened(streams), [row(rng) for _ in range(count)]
        deadline = time.monotonic() + HOLD_SECONDS

        def publish(witness: Stream = witness, deadline: float = deadline) -> None:
            for start in range(0, count, PACE):
                changes.publish(*rows[start : start + PACE])  # noqa: B023
                left = deadline - time.monotonic()
                until(partial(has, witness, min(count, start + PACE)), max(0.0, left))
            for _ in range(progress):
                changes.progress(rows[0], "embed", 50)  # noqa: B023
            left = deadline - time.monotonic()
            until(lambda: progress_of(witness) == progress, max(0.0, left))

        with dynamodb_proxy.before(publish, lambda request: request.operation == "Query"):
            stream = streams.open("GET /events")
            in_time = has(witness, count) and progress_of(witness) == progress
        wanted = [str(one["id"]) for one in rows]
        heard(witness, f"{count} changes", wanted)
        if in_time:
            break
    return stream, wanted


def test_a_full_queue(
    streams: Streams,
    changes: Changes,
    dynamodb_proxy: DynamoDBProxy,
    limits: dict[str, int],
    rng: Random,
) -> None:
    """b: as many changes as the limit may wait. One more, and the stream ends."""
    queue = limits["EVENTS_QUEUE"]
    sent = f"{queue} changes while the rows of a new stream are read, where {queue} may wait"
    cause = "`offer` ends the stream if `self._limit` changes wait already, and not before"
    stream, wanted = behind(streams, changes, dynamodb_proxy, rng, queue)
    stream.must(sent, "all of them behind the snapshot", lambda: has(stream, queue), cause)
    if ids(stream.jobs) != wanted:
        fail(sent=sent, expected="each of them once, in order", got=f"{ids(stream.jobs)}")
    for one_more, what in ((1, f"{queue + 1} changes"), (0, f"{queue} changes and a progress")):
        stream, _ = behind(
            streams, changes, dynamodb_proxy, rng, queue + one_more, progress=1 - one_more
        )
        if stream.ended.wait(END_SECONDS):
            continue
        sent = f"{what} while the rows of a new stream are read, where {queue} may wait"
        got = f"the stream goes on, with {len(stream.jobs)} of them"
        cause = "if `self._limit` changes wait already, `offer` does not add one more: it ends the stream"
        fail(sent=sent, expected="the end of the stream", got=got, cause=cause)


def test_nobody_listens(streams: Streams, changes: Changes, rng: Random) -> None:
    """c: what happens during a break is kept, also if the owner has no open stream then."""
    first = opened(streams)
    position = first.events[0].id
    first.close()
    time.sleep(LEAVE_SECONDS)  # until the API has noticed
    rows = [row(rng) for _ in range(rng.randint(3, 6))]
    changes.publish(*rows)
    time.sleep(LEAVE_SECONDS)
    cause = (
        "`deliver` counts each change and appends it to the log, also if the owner has no reader"
    )
    check_resumed(streams, changes, rng, position, [str(one["id"]) for one in rows], cause)


def test_changes_of_others(
    streams: Streams, changes: Changes, limits: dict[str, int], rng: Random
) -> None:
    """f: the log is shared. If changes of others have pushed an owner's change out, there is a gap."""
    first, rows = opened(streams), [row(rng) for _ in range(2)]
    changes.publish(*rows)
    got = heard(first, "two changes", [str(one["id"]) for one in rows])
    theirs = row(rng, owner=STRANGER)
    changes.publish(*[theirs] * limits["EVENTS_KEEP"])
    changes.progress(rows[0], "embed", 50)  # comes after them
    progress = lambda: [one for one in list(first.events) if one.type == "progress"]  # noqa: E731
    first.must("a progress", "it comes", progress, "see `deliver`")
    sent = (
        "GET /events with Last-Event-ID of an own change, where the log has lost the next own change"
        " and is full of others' changes"
    )
    stream = streams.open(sent, got[0].id)
    mark = row(rng)
    changes.publish(mark)
    cause = "look for the gap in the whole log: its changes of this owner alone do not show it"
    stream.must(sent, "a snapshot", lambda: stream.events, cause)
    if stream.events[0].type != "snapshot":
        fail(sent=sent, expected="a snapshot", got=stream.events[0].shown(), cause=cause)


def test_a_new_connection_to_redis(student: Student, rng: Random) -> None:
    """f: `connect` has emptied the log, and the numbers have gone on."""
    count = rng.randint(2, 5)
    for after in (0, 1):
        number = rng.randrange(count)
        answer = student.ask("builtins", "eval", RECONNECTED.format(count, after, number))
        if not answer.ok:
            raise CheckFailed(failure_card("since()", answer))
        if answer.value != "None":
            fail(
                sent=f"since() with the number {number}, after {count} changes, a new connection to Redis "
                f"and {after} further changes",
                expected="None, because the log lacks changes that came after this number",
                got=answer.value,
                cause="a log without entries does not say that nothing was lost. Compare with the "
                "number of its oldest entry, `self._number - len(self._log) + 1`",
            )


RECONNECTED = """(lambda feed: (
    feed.connect(),
    [feed.deliver("somebody", "{{}}") for _ in range({0})],
    feed.connect(),
    [feed.deliver("somebody", "{{}}") for _ in range({1})],
    str(feed.since(feed._id({2}), "somebody")),
)[-1])(__import__("pipeline.live.feed", fromlist=["Feed"]).Feed(keep=50, queue=5, streams=5))"""
