"""5.6: replay of one dead letter, as a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import Code, must_be_job, must_return, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy, check_one_write
from autograder.week05_retries.conflicts import check_conflict
from autograder.week05_retries.rows import (
    DEAD_MODEL,
    Item,
    Rows,
    Settings,
    as_job,
    dead,
    due_after,
    job,
    row_of,
)

pytestmark = pytest.mark.item("5.6")

SLACK_SECONDS = 3.0
MOST_DRAWS = 100
"""After so many jobs in the shards that were tried already, any shard will do."""
GONE = ("error", "dead_letter", "dead_at", "waiting", "finished_at", "expires_at", "lease_owner")
PROGRESS = ("percent", "steps_done", "step", "steps")
ONE_WRITE = "write everything in one conditional write: `move` with the generation that was read"


def test_one(code: Code, quiet: Rows, settings: Settings, rng: Random) -> None:
    """b, c, d, e, f: the job is pending as at its start, and nothing of the failure is left."""
    shards: set[float | None] = set()
    for due_in in (None, 0.0, float(rng.randint(30, 90))):
        row, shard = died_in_other_shard(code, rng, shards)
        shards.add(shard)
        quiet.put(row)
        sent = f"replay() of a job with a dead letter, due_in={due_in}"
        said = must_be_job(sent, code.ask(DEAD_MODEL, "replay", as_job(row), due_in))
        found = row_of(quiet, row["id"])
        check_reset(sent, found, row)
        check_returned(sent, said, row)
        after = due_after(found)
        wanted = settings.publish_seconds if due_in is None else due_in
        if (
            after is None
            or abs(after - wanted) > SLACK_SECONDS
            or number(found.get("due_shard")) != shard
        ):
            fail(
                sent=sent,
                expected=f"due {wanted:g} s from now, in the job's shard: {shard or 0:g}",
                got=plain(
                    {name: found.get(name) for name in ("due_at", "due_shard", "updated_at")}
                ),
                cause="write `timing(job.id, Status.PENDING, wait)`: the outbox finds a job by it",
            )
        if left := quiet.by("by_dead_letter", "owner", row["owner"]):
            fail(sent=sent, expected="no entry in the list of dead letters", got=plain(left))


def died(rng: Random) -> Item:
    """Return a job with a dead letter, which may have been replayed before."""
    return dead(rng, owner=f"owner-{rng.getrandbits(32):x}", replays=rng.randint(0, 5))


def died_in_other_shard(
    code: Code, rng: Random, shards: set[float | None]
) -> tuple[Item, float | None]:
    """Return a job with a dead letter, and its shard of the due index, which is none of these."""
    for _ in range(MOST_DRAWS):
        row = died(rng)
        said = code.ask("pipeline.models.job", "due_shard", row["id"])
        shard = number(must_return("due_shard()", said))
        if shard not in shards:
            break
    return row, shard


def check_reset(sent: str, row: Item, before: Item) -> None:
    """Check that the job is pending, and that its counts and its failure are removed."""
    both = "a job that runs again must not be in the list of dead letters"
    causes = {
        "error": "a client would read an error of a job that runs again",
        "deliveries": "with the old deliveries the job counts as poison, at once or after the next crash",
        "failures": "with the old failures the first error would be the last attempt",
        "lost_messages": "it belongs to the old deliveries: with it, the limit would allow more crashes",
        "waiting": "the outbox would send the message of that step, but the job restarts",
        "dead_letter": both,
        "dead_at": both,
        **dict.fromkeys(
            PROGRESS, "write everything in `start`: the job begins again with its first step"
        ),
    }
    odd = [name for name in GONE if name in row]
    odd += [
        name for name in ("deliveries", "failures", "lost_messages", *PROGRESS) if row.get(name)
    ]
    if row.get("status") != "pending" or odd:
        got = plain({name: row[name] for name in ("status", *odd) if name in row})
        fail(
            sent=sent,
            expected="a pending job without error, dead letter, counts and progress",
            got=got or "no row",
            cause=next((causes[name] for name in odd if name in causes), "use `move` to PENDING"),
        )
    if row.get("replays") != before["replays"] + 1:
        fail(
            sent=sent,
            expected=f"replays: {before['replays'] + 1}",
            got=f"replays: {plain(row.get('replays'))}",
            cause="add 1 to `replays`: the next dead letter must show how often the job was replayed",
        )


def check_returned(sent: str, said: dict[str, Any], before: Item) -> None:
    """Check that the call returned the job as it is after the write, as a `ReliableJob`."""
    own = "lost_messages" in said  # of `ReliableJob` alone: the row has none any more
    if said.get("status") != "pending" or said.get("replays") != before["replays"] + 1 or not own:
        fail(
            sent=sent,
            expected=f"the job after the write: pending, replays {before['replays'] + 1}, as a `ReliableJob`",
            got=said,
            cause="return the result of `move`, with `ReliableJob.of`. The job that was read is still "
            "failed, and a `Job` lacks the attributes of this week",
        )


def test_one_too_late(code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """a, b, c, d, f: another request was faster: before the call, or before its write. Twice none was."""

    def replayed(row: Item) -> Item:
        more = {"owner": row["owner"], "replays": row["replays"] + 1}
        return job(rng, "pending", id=row["id"], generation=row["generation"], **more)

    def failed_again(row: Item) -> Item:
        more = {"owner": row["owner"], "replays": row["replays"] + 1}
        return dead(rng, id=row["id"], generation=row["generation"] + 6, **more)

    def completed(row: Item) -> Item:
        more = {"owner": row["owner"], "replays": row["replays"] + 1}
        return job(rng, "completed", id=row["id"], generation=row["generation"] + 6, **more)

    cases: list[tuple[str, Callable[[Item], Item] | None, bool]] = [
        (what + (", right before the write" if racing else ""), other, racing)
        for what, other in (
            ("that another request has replayed", replayed),
            ("that was replayed, and has failed again", failed_again),
            ("that was replayed, and is completed", completed),
        )
        for racing in (False, True)
    ]
    cases += [("that no other request replays", None, False)] * 2
    for what, other, racing in rng.sample(cases, len(cases)):
        row = died(rng)
        quiet.put(row)
        sent = f"replay() of a job {what}"
        if other is None:
            alone(sent, code, quiet, dynamodb_proxy, row)
        else:
            act = partial(quiet.put, other(row))
            call = partial(code.ask, DEAD_MODEL, "replay", as_job(row))
            check_conflict(sent, quiet, dynamodb_proxy, row["id"], act, call, racing, ONE_WRITE)


def alone(sent: str, code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, row: Item) -> None:
    """Check a job that no other request replays: it is replayed, in one write."""
    with dynamodb_proxy.watching() as seen:
        must_be_job(sent, code.ask(DEAD_MODEL, "replay", as_job(row)))
    check_one_write(sent, seen, row["id"], ONE_WRITE)
    check_reset(sent, row_of(quiet, row["id"]), row)
