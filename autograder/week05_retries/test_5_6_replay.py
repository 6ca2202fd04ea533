"""5.6: replay of one dead letter, as a function."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import (
    Code,
    changed,
    must_be_job,
    must_raise,
    plain,
)
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
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

REPLAYS = "pipeline.models.replays"
SLACK_SECONDS = 3.0
GONE = ("error", "dead_letter", "dead_at", "waiting", "finished_at", "expires_at", "lease_owner")
ONE_WRITE = (
    "`move` in one conditional write, with `generation=job.generation`: the one that was read"
)


def test_one(code: Code, quiet: Rows, settings: Settings, rng: Random) -> None:
    """Back to where every job begins, and nothing of the failure is left."""
    for due_in in (None, 0.0, float(rng.randint(30, 90))):
        row = died(rng)
        quiet.put(row)
        sent = f"replay() of a job with a dead letter, due_in={due_in}"
        must_be_job(sent, code.ask(DEAD_MODEL, "replay", as_job(row), due_in))
        found = row_of(quiet, row["id"])
        check_anew(sent, found, row)
        after = due_after(found)
        wanted = settings.publish_seconds if due_in is None else due_in
        if after is None or abs(after - wanted) > SLACK_SECONDS or "due_shard" not in found:
            fail(
                sent=sent,
                expected=f"due {wanted:g} s from now",
                got=plain(
                    {name: found.get(name) for name in ("due_at", "due_shard", "updated_at")}
                ),
                cause="`timing(job.id, Status.PENDING, wait)`: a job that nobody finds never begins",
            )
        if left := quiet.by("by_dead_letter", "owner", row["owner"]):
            fail(sent=sent, expected="no longer in the list of the dead", got=plain(left))


def died(rng: Random) -> Item:
    """A job with a dead letter, which somebody has replayed before."""
    return dead(rng, owner=f"owner-{rng.getrandbits(32):x}", replays=rng.randint(0, 5))


def check_anew(sent: str, row: Item, before: Item) -> None:
    """Pending, with a clean slate."""
    causes = {
        "deliveries": "with the old deliveries the job counts as poison at its next crash, or at once",
        "failures": "with the old failures its first error is its last attempt",
        "lost_messages": "it was counted of deliveries that are forgotten now",
        "waiting": "the outbox would send that step, and the job is at its beginning",
        "dead_letter": "a job that lives and has a dead letter stands in both lists",
        "dead_at": "a job that lives and has a dead letter stands in both lists",
    }
    odd = [name for name in GONE if name in row]
    odd += [
        name for name in ("deliveries", "failures", "lost_messages", "steps_done") if row.get(name)
    ]
    if row.get("status") != "pending" or odd:
        got = plain({name: row[name] for name in ("status", *odd) if name in row})
        fail(
            sent=sent,
            expected="a pending job; error, dead letter and counts are gone",
            got=got or "no row",
            cause=next((causes[name] for name in odd if name in causes), "`move` to PENDING"),
        )
    if row.get("replays") != before["replays"] + 1:
        fail(
            sent=sent,
            expected=f"replays: {before['replays'] + 1}",
            got=f"replays: {plain(row.get('replays'))}",
            cause="whoever reads the next dead letter must see how often this was tried",
        )


def test_one_too_late(code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """Somebody else was faster: by now, or right before the write; or nobody was."""

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
            ("that somebody else has replayed", replayed),
            ("that was replayed, and has failed again", failed_again),
            ("that was replayed, and is completed", completed),
        )
        for racing in (False, True)
    ]
    cases += [("that nobody else replays", None, False)] * 2
    for what, other, racing in rng.sample(cases, len(cases)):
        row = died(rng)
        quiet.put(row)
        sent = f"replay() of a job {what}"
        if other is None:
            alone(sent, code, quiet, dynamodb_proxy, row)
        else:
            refused(sent, code, quiet, dynamodb_proxy, row, other(row), racing)


def alone(sent: str, code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, row: Item) -> None:
    """Nobody else wants this one: it is replayed, in one write."""
    with dynamodb_proxy.watching() as seen:
        must_be_job(sent, code.ask(DEAD_MODEL, "replay", as_job(row)))
    check_one_write(sent, seen, row["id"], ONE_WRITE)
    check_anew(sent, row_of(quiet, row["id"]), row)


def refused(
    sent: str,
    code: Code,
    quiet: Rows,
    dynamodb_proxy: DynamoDBProxy,
    row: Item,
    now: Item,
    racing: bool,
) -> None:
    """A JobConflict, and what somebody else has made of the row is left alone."""

    def act() -> None:
        quiet.put(now)

    def writes_it(request: Request) -> bool:
        return racing and request.writes and request.names(row["id"])

    if not racing:
        act()
    with dynamodb_proxy.before(act, writes_it):
        answer = code.ask(DEAD_MODEL, "replay", as_job(row))
    must_raise(sent, answer, "JobConflict", ONE_WRITE)
    if odd := changed(now, quiet.get(row["id"])):
        fail(sent=sent, expected="JobConflict, nothing written", got=odd, cause=ONE_WRITE)
