"""Reads the pages of `GET /jobs`, and checks what is on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any
from urllib.parse import urlencode

import httpx

from autograder.sdk import Api, fail
from autograder.sdk.api_log import log_of
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import FINISHED, STATES, Item, JobsTable, job, moment

MANY = 60
RARE = "failed"
MOST_QUERIES = 10
MOST_PAGES = 200
SAME_MOMENT = range(11, 27)
"""The places of jobs that were created in the same moment as the one before. They fill a page, so
that each order of their own loses one at its end."""
FEW_QUERIES = 2
"""A page whose jobs are all among the first hundred that the index holds needs no more."""


def jobs_in(page: Any) -> list[dict[str, Any]]:
    jobs = page.get("jobs") if isinstance(page, dict) else None
    return [one for one in jobs if isinstance(one, dict)] if isinstance(jobs, list) else []


def fill(table: JobsTable, rng: Random) -> list[Item]:
    """Write jobs of two owners, some of them expired, some created in the same moment.

    Returns the jobs that are shown, newest first. The few failed jobs are among the oldest.
    """
    ages = sorted(rng.uniform(1, 50_000) for _ in range(MANY))
    shown: list[Item] = []
    unseen: list[Item] = []
    for place, age in enumerate(ages):
        others = [state for state in STATES if state != RARE]
        state = RARE if place >= MANY - 15 and place % 4 == 0 else rng.choice(others)
        same = place in SAME_MOMENT
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
    """Return the ids on one page, and the cursor."""
    words = {name: value for name, value in query.items() if value is not None}
    response = api.get(f"/jobs?{urlencode(words)}")
    page = page_in(api, response)
    if page is None:
        fail(
            sent=sent,
            expected="200 with jobs and next_cursor",
            got=f"{response.status_code} {response.text[:300]}",
            cause={
                422: "the API rejects a cursor that it returned before. Make it with `make_cursor`",
                500: "`page` raises an exception, which the lines of the API's log below name",
            }.get(response.status_code, "`page` must return a `Page` with jobs and a cursor"),
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


WHOLE_TABLE = ("Scan", "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
"""Operations that can read more than one partition of an index."""


def read_all(
    api: Api, sent: str, dynamodb_proxy: DynamoDBProxy, limit: int, state: str | None = None
) -> list[list[str]]:
    """Read all pages, and check each of them."""
    pages: list[list[str]] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        with dynamodb_proxy.watching(lambda request: True) as seen:
            ids, cursor = read_page(api, sent, limit=limit, status=state, cursor=cursor)
            queries = len(queries_in(seen))
        check_only_queries(sent, seen)
        check_page(sent, ids, cursor, limit, queries, first=not pages)
        pages.append(ids)
        if len(pages) > MOST_PAGES:
            fail(
                sent=sent,
                expected="a last page whose next_cursor is null",
                got=f"{MOST_PAGES} pages, and still a cursor",
                cause="a client would read without end: the cursor leads to the same page again. "
                "It must name the last job of this page",
            )
    return pages


def check_page(
    sent: str, ids: list[str], cursor: str | None, limit: int, queries: int, *, first: bool
) -> None:
    """A page is not too long, is short only if it has to be, and costs few queries."""
    if len(ids) > limit:
        fail(
            sent=sent,
            expected=f"pages of at most {limit} jobs",
            got=f"a page of {len(ids)} jobs",
            cause="a query can find more jobs than the page holds. Cut the page, and make the "
            "cursor from its last job",
        )
    if queries > FEW_QUERIES:
        fail(
            sent=sent,
            expected="one query, because the owner has fewer jobs than READ_ITEMS",
            got=f"{queries} queries for one page",
            cause="each query is a request. If it reads only as many items as the page holds, "
            "a page of a rare status needs many of them: pass `limit=READ_ITEMS`",
        )
    if not ids and not first:
        fail(
            sent=sent,
            expected="no cursor on the last page with jobs, because its query reached the end",
            got="a cursor, which leads to an empty page",
            cause="if all found jobs fit on the page, the cursor is the place of the last "
            "query, and that is None at the end. With `limit=READ_ITEMS` a query gets there",
        )
    if len(ids) < limit and cursor is not None and queries < MOST_QUERIES:
        fail(
            sent=sent,
            expected=f"full pages of {limit} jobs, unless no more follow or {MOST_QUERIES} "
            "queries were made",
            got=f"a page of {len(ids)} jobs after {queries} queries, with a cursor",
            cause="the limit of a query counts what is read before the filter, so a query can "
            "find fewer jobs. Query again from the place that it returns",
        )


def queries_in(seen: Sequence[Request]) -> set[bytes]:
    """Return the queries of a list. One that was sent again, after a lost response, counts once."""
    return {one.body for one in seen if one.operation == "Query" and index(one.body)}


def index(body: bytes) -> bool:
    """Whether a query belongs to a list. The outbox queries its own index all the time. A query that only
    mentions that index somewhere else belongs to a list.
    """
    return bool(json.loads(body).get("IndexName") != "by_due_time")


def check_only_queries(sent: str, seen: Sequence[Request]) -> None:
    """A page is read by queries alone, so that `queries_in` has counted everything that it costs."""
    if other := sorted({one.operation for one in seen if one.operation in WHOLE_TABLE}):
        fail(
            sent=sent,
            expected="queries of the index that lists an owner's jobs",
            got=f"also {', '.join(other)}",
            cause="a scan reads the jobs of all owners, and costs as much. Use `jobs().query(LIST_INDEX, "
            "…)`",
        )


def check_listed(sent: str, pages: list[list[str]], shown: list[Item]) -> None:
    """The pages hold each job once, newest first."""
    got = [job_id for page in pages for job_id in page]
    ids = {one["id"]: one for one in shown}
    if twice := {job_id for job_id in got if got.count(job_id) > 1}:
        fail(
            sent=sent,
            expected="each job once",
            got=f"{len(twice)} jobs are listed twice",
            cause="the next page begins after the place that the cursor names, so it must be the "
            "place of the last job on this page: `place_of(found[-1])`",
        )
    if lost := [job_id for job_id in ids if job_id not in got]:
        fail(
            sent=sent,
            expected=f"all {len(ids)} jobs",
            got=f"{len(lost)} are on no page",
            cause="either the cursor is the place where the query stopped, and skips the jobs that "
            "did not fit on the page, or the list ends although DynamoDB returned a place",
        )
    if odd := [job_id for job_id in got if job_id not in ids]:
        fail(
            sent=sent,
            expected="only jobs of this owner, in the wanted status, that have not expired",
            got=f"{len(odd)} other jobs",
            cause="a client would see jobs that it must not see. Query the partition of the owner, "
            "with the filter `keep=visible(status)`",
        )
    times = [ids[job_id]["created_at"] for job_id in got]
    if times != sorted(times, reverse=True):
        fail(
            sent=sent,
            expected="the newest job first",
            got="another order",
            cause="a query reads in ascending order of the sort key. For the newest first, pass "
            "`newest_first=True`",
        )
