"""4.5: a query that stops where the page is full, and one that DynamoDB does not answer."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import JobsTable, job, moment
from autograder.week04_job_state.listing_checks import jobs_in
from autograder.week04_job_state.student_code import LISTING

pytestmark = pytest.mark.item("4.5")


def test_a_page_that_is_just_full(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """f: a query stops where the page is just full, and the list goes on there."""
    owner = f"owner-{rng.getrandbits(32):x}"
    jobs = [job(rng, "pending", owner=owner, created_at=moment(-age)) for age in range(1, 7)]
    table.put(*jobs)

    def two(request: Request) -> bool:
        if request.operation == "Query" and request.names(owner):
            request.limit(2)
        return True

    sent = "page(…, limit=2) of six jobs, and its cursors; each query reads two jobs"
    got: list[Any] = []
    cursor: Any = None
    for _ in range(len(jobs)):
        with dynamodb_proxy.watching(two):
            page = must_return(sent, code.ask(LISTING, "page", owner, None, 2, cursor))
        got += [one.get("id") for one in jobs_in(page)]
        cursor = page.get("cursor") if isinstance(page, dict) else None
        if cursor is None:
            break
    if got != [one["id"] for one in jobs]:
        fail(
            sent=sent,
            expected="all six jobs, each once",
            got=f"{len(set(got))} jobs in {len(got)} places",
            cause="a full page has a cursor unless the last query's place is None. If no more jobs "
            "were found than fit, it is `make_cursor` of that place",
        )


def test_without_dynamodb(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """c: if DynamoDB does not answer a later query, the page is an error, and not a short page."""
    owner = f"owner-{rng.getrandbits(32):x}"
    table.put(*(job(rng, "pending", owner=owner) for _ in range(6)))

    def second(request: Request) -> bool:
        if request.operation != "Query" or not request.names(owner):
            return True
        request.limit(2)
        return b"ExclusiveStartKey" not in request.body

    with dynamodb_proxy.watching(second):
        answer = code.ask(LISTING, "page", owner, None, 5, None)
    must_raise(
        "page() of five jobs; DynamoDB answers the first query with two jobs, and then no more",
        answer,
        "JobStoreUnavailable",
        "the client would take a short page without a cursor for the end of its list. Let the "
        "error out, and the API answers 503",
    )
