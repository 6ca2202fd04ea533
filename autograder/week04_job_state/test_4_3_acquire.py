"""4.3: one worker takes a job, and after its death another worker can take it.

What a submission could fake:
- counts: exactly one write that changes the row, in each call that nobody disturbs. Probes count too.
- witness: the proxy in front of DynamoDB, which sees every request, and the grader's own client.
- place: each kind of free job is disturbed at the first write, at the second one, and not at all.
- store: the whole row is compared.
- probe: until its write, a call cannot tell whether it is disturbed. A probe is a second write, so it
  loses.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail
from autograder.sdk.answers import (
    Code,
    changed,
    differs,
    must_be_job,
    must_return,
    number,
    plain,
)
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import FINISHED, Item, JobsTable, job, moment, new_id
from autograder.week04_job_state.rivals import NTH, Rival
from autograder.week04_job_state.student_code import TRACKING, winners

pytestmark = pytest.mark.item("4.3")

RACERS = 100
SLACK_SECONDS = 1.5
OWN = "by the worker that its row names"
ONE_WRITE = (
    "a read followed by a write leaves a gap, in which another worker takes the job. Then both "
    "run it. Put the condition into the write itself"
)


def name(rng: Random) -> str:
    return f"worker-{rng.getrandbits(48):x}"


def acquire(code: Code, job_id: str, worker: str) -> Answer:
    return code.ask(TRACKING, "acquire", job_id, worker)


def free_jobs(rng: Random) -> list[tuple[str, Item]]:
    """Jobs that a worker may take: a description and the item."""
    gone = {"lease_until": moment(-rng.uniform(5, 5_000)), "steps_done": rng.randint(0, 3)}
    counted: dict[str, Any] = {"deliveries": rng.randint(2, 6), "generation": rng.randint(7, 30)}
    return [
        ("that is pending", job(rng)),
        ("that is pending again, after it was replayed", job(rng, **counted)),
        ("in processing, whose lease has expired", job(rng, "processing", **gone)),
        (
            "in processing that no worker has, and whose next message is overdue",
            job(rng, "processing", **gone, lease_owner=None, percent=50),
        ),
    ]


def test_what_is_free(code: Code, table: JobsTable, rng: Random, wait_of: dict[str, int]) -> None:
    """a, b, c, d: a free job is taken: with the lease, and with both counters raised."""
    just = job(rng, "processing", lease_until=moment(-0.01))
    mine = job(rng, "processing", lease_until=moment(-rng.uniform(5, 5_000)))
    cases = [
        ("in processing, whose lease expired just now", just, name(rng)),
        (f"in processing, whose lease has expired, {OWN}", mine, mine["lease_owner"]),
        *((what, one, name(rng)) for what, one in free_jobs(rng)),
    ]
    for what, one, worker in cases:
        table.put(one)
        sent, begun = f"acquire() of a job {what}", time.time()
        answer = acquire(code, one["id"], worker)
        taken, ended = must_return(sent, answer), time.time()
        if taken is None:
            fail(
                sent=sent,
                expected="the job",
                got="None, which means that the job must not be run now",
                cause="a worker that restarts under its old name could never take its job again. "
                "Do not compare `lease_owner` with `worker`"
                if one is mine
                else "no worker could ever take this job. Allow pending jobs, and jobs in "
                "processing whose lease has expired, with or without a `lease_owner`",
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
        "percent": before.get("percent"),
    }
    causes = {
        "percent": "a job that restarts keeps its progress. Write `changes` and nothing else",
        "deliveries": "week 5 reads `deliveries` to find jobs that kill their workers. Add 1 in "
        "the same write: `add`",
        "generation": "with the old generation, a worker that was only slow can still write. Add "
        "1 in the same write: `add`",
    }
    if odd := differs(row, wanted):
        fail(
            sent=sent,
            expected="a row in processing with no steps done, with this worker's lease, and with "
            "`deliveries` and `generation` raised by 1",
            got=odd,
            cause=causes.get(odd.split()[0], "the write must set everything that `changes` holds"),
        )


def check_lease(sent: str, row: Item | None, begun: float, ended: float, seconds: int) -> None:
    """The lease lasts LEASE_SECONDS, and the job is due when it ends."""
    assert row is not None
    for attribute in ("lease_until", "due_at"):
        until = number(row.get(attribute))
        low, high = begun + seconds - SLACK_SECONDS, ended + seconds + SLACK_SECONDS
        if until is None or not low <= until <= high or "due_shard" not in row:
            fail(
                sent=sent,
                expected=f"{attribute} is LEASE_SECONDS ({seconds}) from now",
                got=plain(row),
                cause="another worker would take the job too early or too late. Write what "
                "`lease(job_id, worker)` returns",
            )


def check_said(sent: str, said: Any, row: Item | None) -> None:
    """The function returns the job with its new generation, for the worker's later writes."""
    assert row is not None
    if number(said.get("generation")) != number(row["generation"]):
        fail(
            sent=sent,
            expected=f"the job as it is after the write: generation {row['generation']}",
            got=f"generation {said.get('generation')}",
            cause="the worker's next write would name an old generation and be rejected. `update` "
            "returns the new item: return that as a `Job`",
        )


def taken_jobs(rng: Random) -> list[tuple[str, Item]]:
    """Jobs that no worker may take: a description and the item."""
    jobs = [
        ("in processing, whose lease has not expired", job(rng, "processing")),
        (
            "in processing, whose lease expires in 30 s",
            job(rng, "processing", lease_until=moment(30)),
        ),
        (
            "in processing that waits for the message of its next step",
            job(rng, "processing", lease_owner=None, steps_done=2),
        ),
    ]
    for status in FINISHED:
        jobs.append((f"that is {status}", job(rng, status)))
        old = {"lease_owner": "long-gone", "lease_until": moment(-rng.uniform(5, 5_000))}
        jobs.append((f"that is {status}, with an expired lease", job(rng, status, **old)))
    return jobs


def test_what_is_not_free(code: Code, table: JobsTable, rng: Random) -> None:
    """b, d: a job that is finished or that a worker has is not taken, and nothing is written.

    Not even by the worker that has it: a copy of its message arrives there.
    """
    cases = [(what, one, name(rng)) for what, one in taken_jobs(rng)]
    cases += [
        (f"{what}, {OWN}", one, one["lease_owner"])
        for what, one in taken_jobs(rng)
        if "lease_owner" in one
    ]
    for what, one, worker in cases:
        table.put(one)
        sent = f"acquire() of a job {what}"
        got = must_return(sent, acquire(code, one["id"], worker))
        odd = changed(one, table.get(one["id"]))
        if got is not None or odd:
            fail(
                sent=sent,
                expected="None, and an unchanged row",
                got=odd or got,
                cause="a finished job would run again, and be paid for again, when its message is "
                "delivered again. The condition must also check the status"
                if one["status"] in FINISHED
                else "the job would run twice at the same time. A lease is valid until "
                "`lease_until`, with or without a `lease_owner`, and for its own worker too",
            )


def test_no_such_job(code: Code, table: JobsTable, rng: Random) -> None:
    """b, d: for an id without a job, the function returns None and creates nothing."""
    job_id, sent = new_id(rng), "acquire() with an id that no job has"
    got = must_return(sent, acquire(code, job_id, name(rng)))
    if got is not None or table.get(job_id) is not None:
        fail(
            sent=sent,
            expected="None, and no new item",
            got=plain(table.get(job_id)) or got,
            cause="`update` creates an item that does not exist, if its condition allows that. "
            "Require a status that the item must have",
        )


def test_a_taking_in_between(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, b: another worker takes the job right before the student's write, or no worker does."""
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
            rival.check_written_once(sent, ONE_WRITE)
            continue
        odd = rival.overwritten()
        if got is not None or odd:
            fail(
                sent=f"{sent}; right before its write another worker takes it",
                expected="None, because the other worker has the job",
                got="the job" if got is not None else odd,
                cause=ONE_WRITE,
            )


def test_a_race(code: Code, table: JobsTable, rng: Random) -> None:
    """a, b, c: a hundred workers try at the same moment, and one of them takes the job."""
    for what, one in free_jobs(rng):
        table.put(one)
        workers = [name(rng) for _ in range(RACERS)]
        sent = f"acquire() of one job {what}, by {RACERS} workers at the same moment"
        answers = code.race(sent, TRACKING, "acquire", [[one["id"], each] for each in workers])
        row = table.get(one["id"]) or {}
        won = winners(sent, workers, answers, row.get("lease_owner"))
        if len(won) != 1:
            fail(
                sent=sent,
                expected="one worker gets the job, and all others get None",
                got=f"{len(won)} workers got it",
                cause=ONE_WRITE,
            )
        check_row(sent, row, one, won[0])
