"""5.3: a retry whose row is rejected, because the job was cancelled or another worker has taken it."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import pytest

from autograder.sdk import made
from autograder.sdk.answers import Code
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.week05_retries.conflicts import check_conflict
from autograder.week05_retries.rows import LONG, Item, Rows, as_job, job, moment
from autograder.week05_retries.test_5_1_errors import RETRY, request

pytestmark = pytest.mark.item("5.3")

ASKED_SECONDS = 40
"""Above `BROKER_WAIT_SECONDS`, so that the row keeps the delay."""
CAUSE = (
    "let the `JobConflict` of `hand_over` leave the function: a retry of a job that this worker no "
)
CAUSE += "longer has must not be sent"


def unavailable(asked: int | None) -> dict[str, Any]:
    """Return the error for an answer 503 that asks to wait so many seconds, or for no answer."""
    if asked is None:
        return made("openai", "APITimeoutError", request())
    headers = {"retry-after": str(asked)}
    response = made("httpx2", "Response", 503, headers=headers, request=request())
    return made("openai", "InternalServerError", "No.", response=response, body=None)


def test_a_conflict_leaves(
    code: Code, table: Rows, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """e: the job was cancelled, or taken by another worker. The retry must not be sent."""

    def taken_over(row: Item) -> None:
        table.put({**row, "generation": row["generation"] + 1, "lease_until": moment(LONG)})

    def cancelled(row: Item) -> None:
        table.cancel(row["id"])

    for what, act in (
        ("that another worker has taken", taken_over),
        ("that was cancelled", cancelled),
    ):
        for delay, asked in (("short", None), ("long", ASKED_SECONDS)):
            racing = asked is None
            row = job(rng, "processing", steps_done=2, step="embed")
            table.put(row)
            sent = f"try_again() with a {delay} delay of a job {what}"
            sent += ", right before its write" if racing else ""
            changes = {"waiting": {"number": 3, "arguments": []}}
            call = partial(
                code.ask, RETRY, "try_again", as_job(row), changes, 1, unavailable(asked)
            )
            act_now = partial(act, row)
            check_conflict(sent, table, dynamodb_proxy, row["id"], act_now, call, racing, CAUSE)
