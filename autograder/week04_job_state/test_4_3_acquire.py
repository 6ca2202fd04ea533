"""4.3: a job goes to one worker, and from a dead one to the next."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail
from autograder.sdk.answers import Code, changed, differs, must_be_job, must_return, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import FINISHED, Item, JobsTable, job, moment, new_id
from autograder.week04_job_state.rivals import NTH, Rival
from autograder.week04_job_state.student_code import TRACKING, winners

pytestmark = pytest.mark.item("4.3")

RACERS = 100
SLACK_SECONDS = 1.5
ONE_WRITE = "to look first and write then leaves a gap: one conditional write decides"


def name(rng: Random) -> str:
    return f"worker-{rng.getrandbits(48):x}"


def acquire(code: Code, job_id: str, worker: str) -> Answer:
    return code.ask(TRACKING, "acquire", job_id, worker)


def free_jobs(rng: Random) -> list[tuple[str, Item]]:
    """Jobs that a worker may take, in words and as items."""
    gone = {"lease_until": moment(-rng.uniform(5, 5_000)), "steps_done": rng.randint(0, 3)}
    counted: dict[str, Any] = {"deliveries": rng.randint(2, 6), "generation": rng.randint(7, 30)}
    return [
        ("that is pending", job(rng)),
        ("that is pending again, after it was replayed", job(rng, **counted)),
        ("in processing, whose lease has run out", job(rng, "processing", **gone)),
        (
            "in processing that nobody has, and whose next message is overdue",
            job(rng, "processing", **gone, lease_owner=None, percent=50),
        ),
    ]


def test_what_is_free(code: Code, table: JobsTable, rng: Random, wait_of: dict[str, int]) -> None:
    """Whoever takes a job has it: lease, counts and all."""
    for what, one in free_jobs(rng):
        table.put(one)
        worker, sent, begun = name(rng), f"acquire() of a job {what}", time.time()
        answer = acquire(code, one["id"], worker)
        taken, ended = must_return(sent, answer), time.time()
        if taken is None:
            fail(
                sent=sent,
                expected="the job",
                got="None: it is not to be run",
                cause="nobody else will ever come: who finds it pending, or its lease run out, "
                "takes it",
            )
        must_be_job(sent, answer)
        check_row(sent, table.get(one["id"]), one, worker)
        check_lease(sent, table.get(one["id"]), begun, ended, wait_of["LEASE_SECONDS"])
        check_said(sent, taken, table.get(one["id"]))


def check_row(sent: str, row: Item | None, before: Item, worker: str) -> None:
    wanted = {
        "status": "processing",
        "lease_owner": worker,
        "steps_done": 0,
        "deliveries": before.get("deliveries", 0) + 1,
        "generation": before.get("generation", 0) + 1,
    }
    causes = {
        "deliveries": "each taking is a delivery: week 5 counts them, to find what kills workers",
        "generation": "without a new generation a worker that wakes up late may write",
    }
    if odd := differs(row, wanted):
        fail(
            sent=sent,
            expected="in processing, its steps from the first, with this worker's lease, one "
            "delivery and one generation more",
            got=odd,
            cause=causes.get(odd.split()[0], "`changes` is to be written as it is"),
        )


def check_lease(sent: str, row: Item | None, begun: float, ended: float, seconds: int) -> None:
    """The lease lasts as long as it should, and the job is due when it ends."""
    assert row is not None
    for attribute in ("lease_until", "due_at"):
        until = number(row.get(attribute))
        low, high = begun + seconds - SLACK_SECONDS, ended + seconds + SLACK_SECONDS
        if until is None or not low <= until <= high or "due_shard" not in row:
            fail(
                sent=sent,
                expected=f"{attribute} LEASE_SECONDS ({seconds}) from now",
                got=plain(row),
                cause="`changes` has it: `lease(job_id, worker)`",
            )


def check_said(sent: str, said: Any, row: Item | None) -> None:
    """The generation that the worker will write with is the one that it has got."""
    assert row is not None
    if number(said.get("generation")) != number(row["generation"]):
        fail(
            sent=sent,
            expected=f"the job as it is after the write: generation {row['generation']}",
            got=f"generation {said.get('generation')}",
            cause="`update` returns the new item",
        )


def taken_jobs(rng: Random) -> list[tuple[str, Item]]:
    """Jobs that nobody may take, in words and as items."""
    jobs = [
        ("in processing, whose lease is alive", job(rng, "processing")),
        (
            "in processing that waits for the message of its next step",
            job(rng, "processing", lease_owner=None, steps_done=2),
        ),
    ]
    for status in FINISHED:
        jobs.append((f"that is {status}", job(rng, status)))
        old = {"lease_owner": "long-gone", "lease_until": moment(-rng.uniform(5, 5_000))}
        jobs.append((f"that is {status}, with a lease that has run out", job(rng, status, **old)))
    return jobs


def test_what_is_not_free(code: Code, table: JobsTable, rng: Random) -> None:
    for what, one in taken_jobs(rng):
        table.put(one)
        sent = f"acquire() of a job {what}"
        got = must_return(sent, acquire(code, one["id"], name(rng)))
        odd = changed(one, table.get(one["id"]))
        if got is not None or odd:
            fail(
                sent=sent,
                expected="None, and nothing written",
                got=odd or got,
                cause="a finished job delivered again would run again, and be paid for again"
                if one["status"] in FINISHED
                else "a lease holds until `lease_until`, with a `lease_owner` or without",
            )


def test_no_such_job(code: Code, table: JobsTable, rng: Random) -> None:
    job_id, sent = new_id(rng), "acquire() with an id that no job has"
    got = must_return(sent, acquire(code, job_id, name(rng)))
    if got is not None or table.get(job_id) is not None:
        fail(
            sent=sent,
            expected="None, and nothing written",
            got=plain(table.get(job_id)) or got,
            cause="an update whose condition also holds without an item makes one",
        )


def test_a_taking_in_between(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """Another worker takes the job right before the student's write arrives; or nobody does."""
    cases = [(what, one, nth) for nth in NTH for what, one in free_jobs(rng)]
    for what, one, nth in rng.sample(cases, len(cases)):
        table.put(one)
        other = {
            "status": "processing",
            "lease_owner": name(rng),
            "lease_until": moment(500),
            "deliveries": one.get("deliveries", 0) + 1,
            "generation": one.get("generation", 0) + 1,
        }

        def meddle(one: Item = one, other: Item = other) -> None:
            table.change(one["id"], **other)

        worker, sent = name(rng), f"acquire() of a job {what}"
        rival = Rival(dynamodb_proxy, table, one["id"], meddle, nth)
        with dynamodb_proxy.watching(rival):
            answer = acquire(code, one["id"], worker)
        got = must_return(sent, answer)
        if not rival.met:
            must_be_job(sent, answer)
            check_row(sent, table.get(one["id"]), one, worker)
            if nth == 1:
                fail(sent=sent, expected="a write to the row", got="none", cause=ONE_WRITE)
            continue
        odd = rival.overwritten()
        if got is not None or odd:
            fail(
                sent=f"{sent}; right before its write another worker takes it",
                expected="None: the other one has it",
                got="the job" if got is not None else odd,
                cause=ONE_WRITE,
            )


def test_a_race(code: Code, table: JobsTable, rng: Random) -> None:
    """A hundred workers, one job."""
    for what, one in rng.sample(free_jobs(rng), 2):
        table.put(one)
        workers = [name(rng) for _ in range(RACERS)]
        sent = f"acquire() of one job {what}, by {RACERS} workers at the same moment"
        answers = code.race(sent, TRACKING, "acquire", [[one["id"], each] for each in workers])
        row = table.get(one["id"]) or {}
        won = winners(sent, workers, answers, row.get("lease_owner"))
        if len(won) != 1:
            fail(
                sent=sent,
                expected="one gets it, the others None",
                got=f"{len(won)} got it",
                cause=ONE_WRITE,
            )
        check_row(sent, row, one, won[0])
