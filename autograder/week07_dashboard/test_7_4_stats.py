"""7.4: `GET /stats` counts the owner's rows, seldom, and blocks nobody.

Promises checked here, by their letters in the TODOs: a, b, c and d (`recent_counts`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, TookTooLong, fail
from autograder.sdk.api_log import log_of
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import STATES, JobsTable, moment
from autograder.week07_dashboard.changes import STRANGER, Changes, row
from autograder.week07_dashboard.conftest import STATS_SECONDS

pytestmark = pytest.mark.item("7.4")

HOLD_SECONDS = 0.5
BLOCKED_SECONDS = 3.0
"""A blocked process answers only after this. A free one answers in a moment, also a busy one."""
OTHERS = 6
TRIES = 5
"""A busy machine may need longer than a count may be old: then it is tried again."""


def stats(api: Api) -> dict[str, Any]:
    """What `GET /stats` answers; anything that is not a count is a card."""
    answer = api.get("/stats", timeout=20.0)
    found = api.json(answer) if answer.status_code == 200 else None
    if not isinstance(found, dict) or not {"total", "by_status", "as_of"} <= set(found):
        got = f"{answer.status_code} {answer.text[:200]}"
        fail(sent="GET /stats", expected="200 and counts", got=got, log=log_of(api, answer))
    return found


def is_count(request: Request) -> bool:
    return request.operation == "Query" and b"by_status" in request.body


def fresh(api: Api) -> dict[str, Any]:
    """Counts that began after this call."""
    called = time.time()
    while age_of(found := stats(api)) > time.time() - called:
        if time.time() > called + 10 * STATS_SECONDS:
            cause = "count again when the last count's `as_of` is too long ago"
            expected = f"counts that are at most {STATS_SECONDS:g} s old"
            fail(sent="GET /stats", expected=expected, got=f"as of {found['as_of']}", cause=cause)
        time.sleep(0.1)
    return found


def age_of(found: dict[str, Any]) -> float:
    """How many seconds ago a count began."""
    try:
        return time.time() - datetime.fromisoformat(found["as_of"]).timestamp()
    except (TypeError, ValueError):
        fail(sent="GET /stats", expected="as_of, a time with its zone", got=found["as_of"])


def wait_until_old(api: Api) -> None:
    """Wait until the count that is kept is too old."""
    wait_until_old_from(stats(api))


def test_counts(api: Api, table: JobsTable, changes: Changes, rng: Random) -> None:
    """d: the rows are counted. Messages alone count nothing, and rows need none."""
    stats(api)
    table.clear()
    wanted = {state: rng.randint(1, 5) for state in STATES}
    rows = [row(rng, state) for state, number in wanted.items() for _ in range(number)]
    expired = [row(rng, "completed", expires_at=int(moment(-50))) for _ in range(2)]
    table.put(*rows, *expired, *[row(rng, state, STRANGER) for state in STATES])
    changes.publish(*[row(rng) for _ in range(3)], *rows[:2], *rows[:2])  # lost, repeated, late
    found = fresh(api)
    counted = {state: found["by_status"].get(state) for state in STATES}
    cause = "`count_jobs` counts the rows. A sum of changes drifts: messages get lost, rows expire"
    if counted != wanted:
        sent = "GET /stats, after rows were written, others expired, and changes were published"
        fail(sent=sent, expected=str(wanted), got=str(counted), cause=cause)
    if found["total"] != sum(wanted.values()):
        expected = f"total {sum(wanted.values())}, their sum"
        fail(sent="GET /stats", expected=expected, got=found["total"], cause=cause)


def test_one_count_for_many(api: Api, dynamodb_proxy: DynamoDBProxy) -> None:
    """a, b, c: requests that come while one counts wait for it; others are answered meanwhile."""
    for _ in range(TRIES):
        wait_until_old(api)
        health: list[float] = []

        def meanwhile(health: list[float] = health) -> None:
            started = time.monotonic()
            health.append(_seconds(api))
            time.sleep(max(0.0, started + HOLD_SECONDS - time.monotonic()))

        with dynamodb_proxy.before(meanwhile, is_count), ThreadPoolExecutor(OTHERS) as pool:
            answers = list(pool.map(lambda _: stats(api), range(OTHERS)))
            answers.append(stats(api))
        if health and health[0] >= BLOCKED_SECONDS:
            cause = "`count_jobs` blocks: run it `on_thread`, or every stream of the process stands still"
            sent, got = "GET /health while DynamoDB takes long to count", "none until it was done"
            fail(sent=sent, expected="an answer meanwhile", got=got, cause=cause)
        moments = {one["as_of"] for one in answers}
        if len(moments) == 1:
            return
        if all(age_of(one) < STATS_SECONDS * 0.9 for one in answers):
            break
    sent = f"GET /stats, {OTHERS} times at once and then once more, within {STATS_SECONDS:g} s"
    cause = "hold `kept.lock` while you look and count, keep the result, and give it again"
    fail(sent=sent, expected="one count for all", got=f"{len(moments)} counts", cause=cause)


def _seconds(api: Api) -> float:
    """How long `GET /health` takes, up to a limit."""
    started = time.monotonic()
    with suppress(TookTooLong):
        api.get("/health", timeout=BLOCKED_SECONDS)
    return time.monotonic() - started


def test_a_count_ages(api: Api, dynamodb_proxy: DynamoDBProxy) -> None:
    """a, b: no answer is older than it may be, counted from `as_of`, when the count began."""
    wait_until_old(api)
    slow = lambda: time.sleep(STATS_SECONDS * 0.7)  # noqa: E731
    with dynamodb_proxy.before(slow, is_count):
        first = stats(api)
    wait_until_old_from(first)
    with dynamodb_proxy.watching(lambda request: not is_count(request)):
        away = api.get("/stats", timeout=20.0)
    second = stats(api)
    if first["as_of"] == second["as_of"]:
        cause = "a count is as old as its `as_of`: the time at which it began, not its end"
        sent = f"GET /stats, more than {STATS_SECONDS:g} s after the last count began"
        fail(
            sent=sent,
            expected="a new count",
            got=f"the old one, as of {first['as_of']}",
            cause=cause,
        )
    if away.status_code != 503:
        cause = (
            "let `JobStoreUnavailable` through: a count that is too old must not be given instead"
        )
        sent = "GET /stats while DynamoDB does not answer, after the last count has become too old"
        got = f"{away.status_code} {away.text[:200]}"
        fail(sent=sent, expected="503", got=got, cause=cause)


def wait_until_old_from(found: dict[str, Any]) -> None:
    time.sleep(max(0.0, STATS_SECONDS + 0.1 - age_of(found)))
