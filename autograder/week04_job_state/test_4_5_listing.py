"""4.5: one job by its id, and an owner's jobs, page by page."""

from __future__ import annotations

from random import Random
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from autograder.sdk import Api, fail
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.api_log import log_of
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import FINISHED, STATES, Item, JobsTable, job, moment, new_id
from autograder.week04_job_state.student_code import LISTING

pytestmark = pytest.mark.item("4.5")

MANY = 60
RARE = "failed"
MOST_QUERIES = 10
MOST_PAGES = 200
WHOSE = "the owner is an argument: it is not always the one of today"


@pytest.fixture(autouse=True)
def empty(table: JobsTable) -> None:
    """No row of an earlier check."""
    table.clear()


# -- one job ----------------------------------------------------------------------------------


def test_one_job(api: Api, table: JobsTable, rng: Random) -> None:
    """Mine is shown. Nobody's, somebody else's and an expired one are all the same 404."""
    for state in STATES:
        mine = job(rng, state)
        table.put(mine)
        sent = f"GET /jobs/{{id}} of one's own job, {state}"
        response = api.get(f"/jobs/{mine['id']}")
        body = api.json(response) if response.status_code == 200 else {}
        if not isinstance(body, dict) or (body.get("job_id"), body.get("status")) != (
            mine["id"],
            state,
        ):
            fail(
                sent=sent,
                expected=f"200, and the job: {state}",
                got=f"{response.status_code} {response.text[:200]}",
                cause="only what has expired is not shown: not all that will expire one day"
                if response.status_code == 404
                else "",
                log=log_of(api, response),
            )
    check_hidden(api, table, rng)


def check_hidden(api: Api, table: JobsTable, rng: Random) -> None:
    """Whoever tries ids learns nothing from the answers."""
    nobody = api.get(f"/jobs/{new_id(rng)}")
    if nobody.status_code != 404:
        fail(
            sent="GET /jobs/{id} with an id that no job has",
            expected="404",
            got=f"{nobody.status_code} {nobody.text[:200]}",
            log=log_of(api, nobody),
        )
    for what, one in hidden(rng):
        table.put(one)
        response = api.get(f"/jobs/{one['id']}")
        if (response.status_code, response.text) != (404, nobody.text):
            fail(
                sent=f"GET /jobs/{{id}} of a job that {what}",
                expected=f"404, as for an id that nobody has: {nobody.text}",
                got=f"{response.status_code} {response.text[:200]}",
                cause="DynamoDB deletes late: look at `job.expired`"
                if one["owner"] == "public"
                else "an answer of its own kind says that the job exists",
                log=log_of(api, response),
            )


def hidden(rng: Random) -> list[tuple[str, Item]]:
    past = {"expires_at": int(moment(-rng.randint(5, 500)))}
    jobs = [(f"{state} and has expired", job(rng, state, **past)) for state in FINISHED]
    jobs += [(f"is another owner's, {state}", job(rng, state, owner="them")) for state in STATES]
    return jobs


def test_other_owners_too(code: Code, table: JobsTable, rng: Random) -> None:
    """The owner is an argument; "public" is only what week 4's API says."""
    owner, other = f"owner-{rng.getrandbits(32):x}", f"owner-{rng.getrandbits(32):x}"
    one = job(rng, "pending", owner=owner)
    table.put(one, job(rng, "pending", owner=other), job(rng, "pending"))
    sent = "find(job_id, owner) of the owner's own job"
    answer = code.ask(LISTING, "find", one["id"], owner)
    if answer.error == "JobNotFound":
        fail(sent=sent, expected="the job", got="JobNotFound", cause=WHOSE)
    found = must_return(sent, answer)
    if not isinstance(found, dict) or found.get("id") != one["id"]:
        fail(sent=sent, expected="the job", got=found)
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


def jobs_in(page: Any) -> list[dict[str, Any]]:
    jobs = page.get("jobs") if isinstance(page, dict) else None
    return [one for one in jobs if isinstance(one, dict)] if isinstance(jobs, list) else []


# -- many jobs --------------------------------------------------------------------------------


def fill(table: JobsTable, rng: Random) -> list[Item]:
    """Jobs of two owners, some expired, some made in the same moment. Returns those that are shown,
    newest first. The few that failed are among the oldest.
    """
    ages = sorted(rng.uniform(1, 50_000) for _ in range(MANY))
    shown: list[Item] = []
    unseen: list[Item] = []
    for place, age in enumerate(ages):
        others = [state for state in STATES if state != RARE]
        state = RARE if place >= MANY - 15 and place % 4 == 0 else rng.choice(others)
        same = place in (11, 12)
        made = {"created_at": shown[-1]["created_at"] if same else moment(-age)}
        one = job(rng, state, **made)
        shown.append(one)
        if place % 3 == 0:
            past = {"expires_at": int(moment(-rng.randint(5, 500)))}
            unseen.append(job(rng, rng.choice(FINISHED), **made, **past))
            unseen.append(job(rng, rng.choice(STATES), **made, owner="them"))
    table.put(*shown, *unseen)
    return shown


def read_page(api: Api, sent: str, **query: Any) -> tuple[list[str], str | None]:
    """The ids on one page, and the cursor."""
    words = {name: value for name, value in query.items() if value is not None}
    response = api.get(f"/jobs?{urlencode(words)}")
    page = page_in(api, response)
    if page is None:
        fail(
            sent=sent,
            expected="200, with jobs and next_cursor",
            got=f"{response.status_code} {response.text[:300]}",
            cause={
                422: "a cursor that the API gave must be one that it takes: `make_cursor`",
                500: "an exception in `page`: the lines of the API's log below name it",
            }.get(response.status_code, ""),
            log=log_of(api, response),
        )
    return page


def page_in(api: Api, response: httpx.Response) -> tuple[list[str], str | None] | None:
    body = api.json(response) if response.status_code == 200 else None
    if not isinstance(body, dict) or "next_cursor" not in body:
        return None
    cursor = body["next_cursor"]
    ids = [str(one.get("job_id")) for one in jobs_in(body)]
    return (ids, cursor) if cursor is None or isinstance(cursor, str) else None


def read_all(
    api: Api, sent: str, dynamodb_proxy: DynamoDBProxy, limit: int, state: str | None = None
) -> list[list[str]]:
    """All pages, one after the other; none too long, none too short without need."""
    pages: list[list[str]] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        with dynamodb_proxy.watching(lambda request: True) as seen:
            ids, cursor = read_page(api, sent, limit=limit, status=state, cursor=cursor)
            queries = sum(request.operation == "Query" and index(request.body) for request in seen)
        if len(ids) > limit:
            fail(sent=sent, expected=f"pages of at most {limit}", got=f"one of {len(ids)}")
        if len(ids) < limit and cursor is not None and queries < MOST_QUERIES - 1:
            fail(
                sent=sent,
                expected=f"full pages of {limit} while there is more, unless {MOST_QUERIES} queries "
                "are spent",
                got=f"a page of {len(ids)} after {queries} queries, with a cursor",
                cause="a query's limit is what it looks at, before the filter: go on from the place "
                "it gives",
            )
        pages.append(ids)
        if len(pages) > MOST_PAGES:
            fail(
                sent=sent,
                expected="a last page, whose next_cursor is null",
                got=f"{MOST_PAGES} pages, and still a cursor",
                cause="the cursor leads back to where it came from",
            )
    return pages


def index(body: bytes) -> bool:
    """Whether a query is one of a list: the outbox asks its own index all the time."""
    return b"by_due_time" not in body


def check_listed(sent: str, pages: list[list[str]], shown: list[Item]) -> None:
    """Each job once, newest first."""
    got = [job_id for page in pages for job_id in page]
    ids = {one["id"]: one for one in shown}
    if twice := {job_id for job_id in got if got.count(job_id) > 1}:
        fail(
            sent=sent,
            expected="each job once",
            got=f"{len(twice)} jobs twice",
            cause="the next page begins behind the last job of this one: `place_of(found[-1])`",
        )
    if lost := [job_id for job_id in ids if job_id not in got]:
        fail(
            sent=sent,
            expected=f"all {len(ids)} jobs",
            got=f"{len(lost)} are on no page",
            cause="what was read and does not fit on the page is skipped, if the cursor is where "
            "the query stopped; or the list ends before DynamoDB says so",
        )
    if odd := [job_id for job_id in got if job_id not in ids]:
        fail(
            sent=sent,
            expected="jobs of this owner that have not expired, in the status asked for",
            got=f"{len(odd)} others",
            cause="`visible(status)` is the condition, and the owner is the partition",
        )
    times = [ids[job_id]["created_at"] for job_id in got]
    if times != sorted(times, reverse=True):
        fail(sent=sent, expected="newest first", got="another order", cause="`newest_first=True`")


def test_all_pages(api: Api, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """Through all pages, of several sizes, without and with a status."""
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
    """DynamoDB stops after a few items, as it does after one megabyte: then it is asked again."""
    shown = fill(table, rng)
    for state, limit, short in ((None, 7, 4), (RARE, 3, 2)):
        sent = (
            f"GET /jobs?status={state or ''}&limit={limit} and its cursors; each query looks at no "
            f"more than {short} jobs"
        )
        pages: list[list[str]] = []
        cursor: str | None = None
        while not pages or (cursor is not None and len(pages) < MOST_PAGES):
            queries = 0

            def shorten(request: Any, short: int = short) -> bool:
                nonlocal queries
                if request.operation == "Query" and index(request.body):
                    queries += 1
                    request.limit(short)
                return queries <= 4 * MOST_QUERIES

            with dynamodb_proxy.watching(shorten):
                ids, cursor = read_page(api, sent, limit=limit, status=state, cursor=cursor)
            if queries > 2 * MOST_QUERIES:
                fail(
                    sent=sent,
                    expected=f"at most {MOST_QUERIES} queries for a page (MAX_QUERIES)",
                    got=f"{queries}",
                    cause="with a rare status a page would read the whole table, and the client "
                    "waits",
                )
            if len(ids) < limit and cursor is not None and queries < MOST_QUERIES - 1:
                fail(
                    sent=sent,
                    expected=f"a full page, or {MOST_QUERIES} queries spent on it",
                    got=f"{len(ids)} jobs after {queries} queries, and a cursor",
                    cause="a short answer is not the end: go on until DynamoDB gives no place",
                )
            pages.append(ids)
        check_listed(sent, pages, [one for one in shown if state in (None, one["status"])])


def test_new_jobs_meanwhile(api: Api, table: JobsTable, rng: Random) -> None:
    """While somebody pages, new jobs come in at the top: nothing moves for who is further down."""
    shown = fill(table, rng)
    limit = rng.randint(5, 9)
    sent = f"GET /jobs?limit={limit}, page by page, while new jobs come in"
    first, cursor = read_page(api, sent, limit=limit)
    table.put(*(job(rng, "pending", created_at=moment()) for _ in range(3)))
    second, _ = read_page(api, sent, limit=limit, cursor=cursor)
    got, expected = {*first, *second}, {one["id"] for one in shown[: 2 * limit]}
    ages = {one["id"]: one["created_at"] for one in shown}
    if len(got) != 2 * limit or sorted(map(ages.get, got)) != sorted(map(ages.get, expected)):  # type: ignore[type-var]
        fail(
            sent=sent,
            expected="on page two the jobs that follow page one",
            got=f"{len(set(first) & set(second))} jobs twice, {len(expected - got)} left out",
            cause="a cursor that counts jobs moves with the list: it must name a place",
        )
