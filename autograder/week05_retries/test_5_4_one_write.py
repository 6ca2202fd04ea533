"""5.4: the one write that fails a job and stores its dead letter."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail, made
from autograder.sdk.answers import Code, must_be_job, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy, check_one_write
from autograder.week05_retries.conflicts import check_conflict
from autograder.week05_retries.rows import LONG, Item, Rows, as_job, job, moment, row_of
from autograder.week05_retries.test_5_4_letters import DEAD, Made

pytestmark = pytest.mark.item("5.4")

SLACK_SECONDS = 2.0
ROUNDING = 0.001
"""How much a time may change on its way through `Decimal` and `float`, in seconds."""
ONE_WRITE = "write everything in one conditional write: `move` with `generation=job.generation`"
NO_GAP = "a worker that dies between two writes leaves a failed job without a dead letter, or a dead letter "
NO_GAP += "of a job that still runs"


def taken(rng: Random, table: Rows, **more: Any) -> Item:
    """Store a job whose lease a worker has, and return its row."""
    row = job(rng, "processing", owner=f"owner-{rng.getrandbits(32):x}", steps_done=2, step="embed")
    row |= {"percent": 50, "waiting": {"number": 3, "arguments": []}, **more}
    table.put(row)
    return row


def letter(rng: Random) -> tuple[dict[str, Any], Made]:
    """Return a dead letter as it must be on the row, and the same as an argument."""
    known = {
        "step": "embed",
        "task": "pipeline.embed_chunks",
        "arguments": [{"blob_key": f"uploads/{rng.getrandbits(64):x}"}],
        "kind": f"kind_{rng.randint(0, 99)}",
        "message": f"Message {rng.randint(0, 99)}.",
        "exception": "ValueError",
        "detail": "Traceback",
        "attempts": rng.randint(2, 9),
        "deliveries": rng.randint(1, 3),
        "fingerprint": f"{rng.getrandbits(64):016x}",
    }
    times = {"first_at": moment(-300), "last_at": moment(-1)}
    argument = {name: made("decimal", "Decimal", str(value)) for name, value in times.items()}
    return {**known, **times}, {**known, **argument}


def mark(rng: Random) -> dict[str, Any]:
    """Return a further attribute for the same write, as a later week passes it."""
    return {"mark": f"m{rng.randint(0, 99)}"}


def fail_it(code: Code, row: Item, argument: Made, more: dict[str, Any]) -> Answer:
    return code.ask(DEAD, "dead_letter_job", as_job(row), argument, more)


def test_one_write(code: Code, table: Rows, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """g, h, j: the state, the error, the dead letter and its time are written together."""
    row, more = taken(rng, table), mark(rng)
    known, argument = letter(rng)
    sent = "dead_letter_job() of a job that this worker has"
    with dynamodb_proxy.watching() as seen:
        said = must_be_job(sent, fail_it(code, row, argument, more))
    found = row_of(table, row["id"])
    wanted: dict[str, Any] = {
        "status": "failed",
        "error": {"type": known["kind"], "message": known["message"]},
        "dead_letter": known,
        **more,
    }
    causes = {
        "dead_at": "set `dead_at`: the list finds dead letters by it, so without it this one is invisible",
        "mark": "write everything in `more`, too: later weeks add a webhook there",
        "error": "clients read `error`: set it to the letter's kind and message, and nothing else of it",
    }
    for name, value in wanted.items():
        if found.get(name) != value:
            got = plain(found[name]) if name in found else "nothing"
            cause = causes.get(name, ONE_WRITE)
            expected = f"{name} on the row: {plain(value)!r}"
            fail(sent=sent, expected=expected, got=f"{name}: {got!r}", cause=cause)
    dead_at = number(found.get("dead_at"))
    died = float(known["last_at"])
    if dead_at is None or not died - ROUNDING <= dead_at <= time.time() + SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"dead_at: the letter's last_at ({known['last_at']}), or now",
            got=f"dead_at: {plain(found.get('dead_at'))!r}",
            cause=causes["dead_at"],
        )
    check_finished(sent, found)
    check_one_write(sent, seen, row["id"], NO_GAP)
    own = "lost_messages" in said  # of `ReliableJob` alone: the row has none
    if said.get("status") != "failed" or not said.get("dead_letter") or not own:
        fail(
            sent=sent,
            expected="the job after the write, with its letter, as a `ReliableJob`",
            got=said,
            cause="a `Job` has its dead letter as a plain dict, which the alert cannot read: use "
            "`ReliableJob.of`",
        )
    index = table.by("by_dead_letter", "owner", row["owner"])
    if [one["id"] for one in index] != [row["id"]]:
        expected = "the job in the index `by_dead_letter`"
        fail(sent=sent, expected=expected, got=index, cause=causes["dead_at"])


def check_finished(sent: str, row: Item) -> None:
    """Check that the job is finished: it has no lease, is not due, and will be deleted one day."""
    left = [name for name in ("lease_owner", "lease_until", "due_at", "due_shard") if name in row]
    if left or "expires_at" not in row or "finished_at" not in row:
        fail(
            sent=sent,
            expected="a finished job: no lease, not due, with `finished_at` and `expires_at`",
            got=plain({name: row.get(name) for name in (*left, "finished_at", "expires_at")}),
            cause="use `move` to `Status.FAILED`, which does all of that",
        )


def test_too_late(code: Code, table: Rows, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """g, i: another worker has taken the job, or it was cancelled: before the call, or before its write.

    In two cases nothing of that happens, and the job must be dead-lettered.
    """

    def taken_over(row: Item) -> None:
        table.put({**row, "generation": row["generation"] + 1, "lease_until": moment(LONG)})

    def cancelled(row: Item) -> None:
        table.cancel(row["id"])

    cases: list[tuple[str, Callable[[Item], None] | None, bool]] = [
        (f"{what}{', right before its write' if racing else ''}", act, racing)
        for what, act in (
            ("that another worker has taken", taken_over),
            ("that was cancelled", cancelled),
        )
        for racing in (False, True)
    ]
    cases += [("that this worker has", None, False)] * 2
    for what, act, racing in rng.sample(cases, len(cases)):
        row = taken(rng, table)
        sent = f"dead_letter_job() of a job {what}"
        if act is None:
            alone(sent, code, table, dynamodb_proxy, row, rng)
        else:
            call = partial(fail_it, code, row, letter(rng)[1], mark(rng))
            act_now = partial(act, row)
            check_conflict(sent, table, dynamodb_proxy, row["id"], act_now, call, racing, ONE_WRITE)


def alone(
    sent: str, code: Code, table: Rows, dynamodb_proxy: DynamoDBProxy, row: Item, rng: Random
) -> None:
    """Check a job that this worker has: it fails, in one write."""
    with dynamodb_proxy.watching() as seen:
        must_be_job(sent, fail_it(code, row, letter(rng)[1], mark(rng)))
    check_one_write(sent, seen, row["id"], ONE_WRITE)
    if (status := row_of(table, row["id"]).get("status")) != "failed":
        fail(sent=sent, expected="a failed job", got=plain(status), cause=ONE_WRITE)
