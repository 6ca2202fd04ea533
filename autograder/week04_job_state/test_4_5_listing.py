"""4.5: one job by its id, and an owner's jobs, page by page.

What a submission could fake:
- counts: queries are counted, and more of them lose. Their index decides, not what else they mention.
- witness: the proxy in front of DynamoDB, and the pages.
- place: jobs, owners and sizes of pages are random.
- store: a page that also scans the table, or reads it by a statement, fails.
- probe: short answers are given in some tests. They look as those of a large table.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, fail
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.api_log import log_of
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import FINISHED, STATES, Item, JobsTable, job, moment, new_id
from autograder.week04_job_state.listing_checks import (
    MANY,
    MOST_PAGES,
    MOST_QUERIES,
    RARE,
    check_listed,
    fill,
    index,
    jobs_in,
    read_all,
    read_page,
)
from autograder.week04_job_state.student_code import LISTING

pytestmark = pytest.mark.item("4.5")

WHOSE = (
    "the owner is an argument. Today every request has the owner `public`, but later weeks have "
    "several owners, and each must see only their own jobs"
)


@pytest.fixture(autouse=True)
def empty(table: JobsTable) -> None:
    """Remove the rows of earlier checks."""
    table.clear()


# -- one job ----------------------------------------------------------------------------------


def test_one_job(api: Api, table: JobsTable, rng: Random) -> None:
    """a, b: an owner's job is shown. An unknown, a foreign and an expired one get the same 404."""
    for state in STATES:
        mine = job(rng, state)
        table.put(mine)
        sent = f"GET /jobs/{{id}} of the owner's own job, which is {state}"
        response = api.get(f"/jobs/{mine['id']}")
        body = api.json(response) if response.status_code == 200 else {}
        if not isinstance(body, dict) or (body.get("job_id"), body.get("status")) != (
            mine["id"],
            state,
        ):
            fail(
                sent=sent,
                expected=f"200 and the job, which is {state}",
                got=f"{response.status_code} {response.text[:200]}",
                cause="the customer cannot see a job that exists. Only a job that has expired is "
                "not shown: `job.expired`, not `expires_at` alone"
                if response.status_code == 404
                else "`find` must return the job that `item` holds: `Job.from_item`",
                log=log_of(api, response),
            )
    check_hidden(api, table, rng)


def check_hidden(api: Api, table: JobsTable, rng: Random) -> None:
    """The responses do not tell a stranger which ids exist."""
    nobody = api.get(f"/jobs/{new_id(rng)}")
    if nobody.status_code != 404:
        fail(
            sent="GET /jobs/{id} with an id that no job has",
            expected="404",
            got=f"{nobody.status_code} {nobody.text[:200]}",
            cause="`find` must raise JobNotFound if there is no item",
            log=log_of(api, nobody),
        )
    for what, one in hidden(rng):
        table.put(one)
        response = api.get(f"/jobs/{one['id']}")
        if (response.status_code, response.text) != (404, nobody.text):
            fail(
                sent=f"GET /jobs/{{id}} of a job that {what}",
                expected=f"404, with the same body as for an id that no job has: {nobody.text}",
                got=f"{response.status_code} {response.text[:200]}",
                cause="DynamoDB deletes late, so an expired job can still be stored. Check "
                "`job.expired`"
                if one["owner"] == "public"
                else "a different response says that the job exists, and a stranger can find valid "
                "ids. Raise JobNotFound in all three cases",
                log=log_of(api, response),
            )


def hidden(rng: Random) -> list[tuple[str, Item]]:
    past = {"expires_at": int(moment(-rng.randint(5, 500)))}
    jobs = [(f"is {state} and has expired", job(rng, state, **past)) for state in FINISHED]
    jobs += [(f"is another owner's, {state}", job(rng, state, owner="them")) for state in STATES]
    return jobs


def test_other_owners_too(code: Code, table: JobsTable, rng: Random) -> None:
    """b, c: the owner is an argument. "public" is only the owner that week 4's API passes."""
    owner, other = f"owner-{rng.getrandbits(32):x}", f"owner-{rng.getrandbits(32):x}"
    one = job(rng, "pending", owner=owner)
    table.put(one, job(rng, "pending", owner=other), job(rng, "pending"))
    sent = "find(job_id, owner) of the owner's own job"
    answer = code.ask(LISTING, "find", one["id"], owner)
    if answer.error == "JobNotFound":
        fail(sent=sent, expected="the job", got="JobNotFound", cause=WHOSE)
    found = must_return(sent, answer)
    if not isinstance(found, dict) or found.get("id") != one["id"]:
        fail(
            sent=sent,
            expected="the job",
            got=found,
            cause="`find` must return the job that `item` holds: `Job.from_item`",
        )
    for who in (other, "public"):
        sent = "find(job_id, owner) of another owner's job"
        answer = code.ask(LISTING, "find", one["id"], who)
        must_raise(sent, answer, "JobNotFound", WHOSE)
    sent = f"page({owner!r}, None, 10, None)"
    got = must_return(sent, code.ask(LISTING, "page", owner, None, 10, None))
    ids = [each.get("id") for each in jobs_in(got)]
    if ids != [one["id"]]:
        owners = [each.get("owner") for each in jobs_in(got)]
        fail(sent=sent, expected="the owner's one job", got=f"jobs of {owners}", cause=WHOSE)


# -- many jobs --------------------------------------------------------------------------------


def test_all_pages(api: Api, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """c, d, e, f: all pages together hold each job once, for several sizes, with and without a status."""
    shown = fill(table, rng)
    for limit in (rng.randint(7, 9), MANY, 100):
        sent = f"GET /jobs?limit={limit} and its cursors, {MANY} jobs"
        check_listed(sent, read_all(api, sent, dynamodb_proxy, limit), shown)
    for state, limit in ((RARE, 2), (RARE, 3), ("pending", 4)):
        sent = f"GET /jobs?status={state}&limit={limit} and its cursors"
        wanted = [one for one in shown if one["status"] == state]
        check_listed(sent, read_all(api, sent, dynamodb_proxy, limit, state), wanted)


def test_short_answers(
    api: Api, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """c, d, f: DynamoDB stops early, as it does after a megabyte. Then `page` queries again."""
    shown = fill(table, rng)
    for state, limit, short in ((None, 7, 4), (RARE, 3, 2)):
        sent = (
            f"GET /jobs?status={state or ''}&limit={limit} and its cursors; each query reads at "
            f"most {short} jobs"
        )
        pages: list[list[str]] = []
        cursor: str | None = None
        while not pages or (cursor is not None and len(pages) < MOST_PAGES):
            asked: set[bytes] = set()

            def shorten(request: Any, short: int = short, asked: set[bytes] = asked) -> bool:
                if request.operation == "Query" and index(request.body):
                    asked.add(request.body)
                    request.limit(short)
                return len(asked) <= 4 * MOST_QUERIES

            with dynamodb_proxy.watching(shorten):
                ids, cursor = read_page(api, sent, limit=limit, status=state, cursor=cursor)
            queries = len(asked)
            if queries > MOST_QUERIES:
                fail(
                    sent=sent,
                    expected=f"at most {MOST_QUERIES} queries for a page (MAX_QUERIES)",
                    got=f"{queries} queries",
                    cause="if the status is rare, one page would read all jobs of the owner while "
                    "the client waits. Stop after MAX_QUERIES queries",
                )
            if len(ids) < limit and cursor is not None and queries < MOST_QUERIES:
                fail(
                    sent=sent,
                    expected=f"a full page, or {MOST_QUERIES} queries for it",
                    got=f"{len(ids)} jobs after {queries} queries, and a cursor",
                    cause="a short answer is not the end of the list. Query again until the page "
                    "is full or DynamoDB returns no place",
                )
            pages.append(ids)
        check_listed(sent, pages, [one for one in shown if state in (None, one["status"])])


def test_new_jobs_meanwhile(api: Api, table: JobsTable, rng: Random) -> None:
    """f: new jobs arrive while a client reads the pages. The later pages stay the same."""
    shown = fill(table, rng)
    limit = rng.randint(5, 9)
    sent = f"GET /jobs?limit={limit}, page by page, while new jobs arrive"
    first, cursor = read_page(api, sent, limit=limit)
    table.put(*(job(rng, "pending", created_at=moment()) for _ in range(3)))
    second, _ = read_page(api, sent, limit=limit, cursor=cursor)
    got, expected = {*first, *second}, {one["id"] for one in shown[: 2 * limit]}
    ages = {one["id"]: one["created_at"] for one in shown}
    if len(got) != 2 * limit or sorted(map(ages.get, got)) != sorted(map(ages.get, expected)):  # type: ignore[type-var]
        fail(
            sent=sent,
            expected="page two with the jobs that follow page one",
            got=f"{len(set(first) & set(second))} jobs twice, {len(expected - got)} jobs missing",
            cause="a cursor that counts jobs is wrong as soon as a job is added. It must name the "
            "place of a job: `place_of`",
        )
