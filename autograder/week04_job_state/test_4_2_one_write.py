"""4.2: a condition on the row as it is at the write, and an outage that is no conflict."""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import Code, must_raise
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import Item, JobsTable, job, moment
from autograder.week04_job_state.rivals import NTH, Rival
from autograder.week04_job_state.test_4_2_moves import check_moved, move, sent_for

pytestmark = pytest.mark.item("4.2")

TRIES_OF_THE_CLIENT = 3
"""How often the client of the table sends one request, as the given code sets it."""


def test_a_worker_begins_in_between(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, b: a customer cancels a pending job, and a worker takes it right before the write."""
    for nth in NTH:
        one, mark = job(rng, "pending"), f"{rng.getrandbits(64):x}"
        table.put(one)

        def begin(one: Item = one) -> None:
            lease = {"lease_owner": "a-worker", "lease_until": moment(900), "steps_done": 0}
            table.change(one["id"], status="processing", deliveries=1, generation=1, **lease)

        rival = Rival(dynamodb_proxy, table, one["id"], begin, nth)
        with dynamodb_proxy.watching(rival):
            answer = move(code, one["id"], "cancelled", {"mark": mark})
        sent = f"{sent_for(one, 'cancelled')}; right before its write, a worker takes the job"
        if rival.met and not answer.ok and answer.error in ("JobConflict", "JobNotFound"):
            fail(
                sent=sent,
                expected="the job, with the status cancelled",
                got=answer.error,
                cause="a job in processing can be cancelled too, but the condition compares the "
                "status with one that was read earlier. Do not read first: require a status "
                "from which `ALLOWED` leads to `to`",
            )
        check_moved(sent, table, one, "cancelled", answer, mark)


def test_without_dynamodb(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, e: if DynamoDB does not answer, the caller learns that after one call, and not of a conflict."""
    for start, to in (("pending", "cancelled"), ("processing", "completed")):
        one = job(rng, start)
        table.put(one)

        def passes(request: Request, one: Item = one) -> bool:
            return not request.names(one["id"])

        with dynamodb_proxy.watching(passes) as seen:
            answer = move(code, one["id"], to)
        sent = f"{sent_for(one, to)}, while DynamoDB does not answer"
        tries = sum(request.names(one["id"]) for request in seen)
        if tries > TRIES_OF_THE_CLIENT:
            fail(
                sent=sent,
                expected=f"one call of `update`, which makes at most {TRIES_OF_THE_CLIENT} requests",
                got=f"{tries} requests",
                cause="let the error out. The client has tried again already, and the caller decides "
                "what comes next",
            )
        must_raise(
            sent,
            answer,
            "JobStoreUnavailable",
            "JobConflict and JobNotFound are statements about the row, which nobody has read "
            "here. Catch `ConditionFailed` alone",
        )
