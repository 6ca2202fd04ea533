"""4.3: one write does it all, whatever happens right before it and right after it."""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import Code, must_be_job, must_raise, must_return
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import LONG, Item, JobsTable, job, moment
from autograder.week04_job_state.rivals import Death, Rival, Successor
from autograder.week04_job_state.student_code import check_own
from autograder.week04_job_state.test_4_3_acquire import acquire, check_row, free_jobs, name

pytestmark = pytest.mark.item("4.3")


def test_a_lease_that_was_left(code: Code, table: JobsTable, rng: Random) -> None:
    """b: a pending job has no lease, whatever its row still says of an earlier one."""
    one, worker = job(rng, lease_until=moment(LONG)), name(rng)
    table.put(one)
    sent = "acquire() of a job that is pending, with the lease_until of an earlier run in its row"
    if must_return(sent, acquire(code, one["id"], worker)) is None:
        fail(
            sent=sent,
            expected="the job",
            got="None, which means that the job must not be run now",
            cause="a pending job is free. Look at `lease_until` only if the job is in processing",
        )
    check_row(sent, table.get(one["id"]), one, worker)


def test_a_death_in_between(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, c: right before the student's write another worker takes the job, and dies."""
    for what, one in free_jobs(rng):
        table.put(one)
        other = {
            "status": "processing",
            "lease_owner": name(rng),
            "lease_until": moment(-1),
            "deliveries": one.get("deliveries", 0) + 1,
            "generation": one.get("generation", 0) + 1,
        }

        def meddle(one: Item = one, other: Item = other) -> None:
            table.change(one["id"], **other)

        worker, sent = name(rng), f"acquire() of a job {what}"
        rival = Rival(dynamodb_proxy, table, one["id"], meddle)
        with dynamodb_proxy.watching(rival):
            answer = acquire(code, one["id"], worker)
        if must_return(sent, answer) is None and not rival.overwritten():
            continue  # it was taken, so to leave it to the next message is careful, and not wrong
        sent = f"{sent}; right before its write another worker takes it, and dies"
        check_row(sent, table.get(one["id"]), {**one, **other}, worker)


def test_one_write(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, c, d: the process dies after its first write, or another one writes right after it."""
    for what, one in free_jobs(rng)[1:3]:
        table.put(one)
        worker, sent = name(rng), f"acquire() of a job {what}"
        with dynamodb_proxy.watching(Death(dynamodb_proxy, table, one["id"], 1)):
            acquire(code, one["id"], worker)
        dead = f"{sent}, in a process that dies after its first write"
        check_row(dead, table.get(one["id"]), one, worker)

        def act(one: Item = one) -> None:
            table.change(one["id"], generation=one["generation"] + 2, lease_owner="the-next")

        table.put(one)
        with dynamodb_proxy.watching(Successor(dynamodb_proxy, table, one["id"], act)):
            answer = acquire(code, one["id"], worker)
        sent = f"{sent}; right after its write another worker writes"
        check_own(sent, must_be_job(sent, answer), one["generation"] + 1)


def test_without_dynamodb(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """d: if DynamoDB does not answer, the caller gets to know it."""
    one = job(rng)
    table.put(one)
    with dynamodb_proxy.watching(lambda request: not request.names(one["id"])):
        answer = acquire(code, one["id"], name(rng))
    must_raise(
        "acquire() of a pending job while DynamoDB does not answer",
        answer,
        "JobStoreUnavailable",
        "None means that the job must not be run now, and nobody knows that here. Catch "
        "`ConditionFailed` alone",
    )
