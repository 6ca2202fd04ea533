"""7.4: `GET /stats` counts seldom, and blocks nobody.

Promises checked here, by their letters in the TODOs: a, b and c (`recent_counts`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from autograder.sdk import Api, TookTooLong, fail
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.week07_dashboard.conftest import STATS_SECONDS
from autograder.week07_dashboard.counting import age_of, stats

pytestmark = pytest.mark.item("7.4")

HOLD_SECONDS = 0.4
"""How long a count takes at least, while others ask."""
BLOCKED_SECONDS = 3.0
"""A blocked process answers only after this. A free one answers in a moment, also a busy one."""
LONG_SECONDS = STATS_SECONDS + 0.3
OTHERS = 6
TRIES = 5
"""A busy machine may need longer than a count may be old: then it is tried again."""


def is_count(request: Request) -> bool:
    return request.operation == "Query" and b"by_status" in request.body


def test_one_count_for_many(api: Api, dynamodb_proxy: DynamoDBProxy) -> None:
    """a, b, c: requests that come while one counts wait for it, and others are answered meanwhile. The count
    is given again until it is too old, from `as_of` on, when it began.
    """
    alone = queries_of_a_count(api, dynamodb_proxy)
    for _ in range(TRIES):
        health: list[float] = []

        def meanwhile(health: list[float] = health) -> None:
            started = time.monotonic()
            health.append(_seconds(api))
            time.sleep(max(0.0, started + HOLD_SECONDS - time.monotonic()))

        with (
            dynamodb_proxy.before(meanwhile, is_count) as seen,
            ThreadPoolExecutor(OTHERS) as pool,
        ):
            answers = list(pool.map(lambda _: stats(api), range(OTHERS)))
            answers.append(stats(api))
        if health and health[0] >= BLOCKED_SECONDS:
            cause = "`count_jobs` blocks: run it `on_thread`, or every stream of the process stands still"
            sent, got = "GET /health while DynamoDB takes long to count", "none until it was done"
            fail(sent=sent, expected="an answer meanwhile", got=got, cause=cause)
        moments = {one["as_of"] for one in answers}
        counts = max(len(moments), sum(map(is_count, seen)) // alone)
        if health and counts == 1:
            check_aged(api, dynamodb_proxy, answers[0])
            return check_long_count(api, dynamodb_proxy)
        if health and all(age_of(one) < STATS_SECONDS * 0.9 for one in answers):
            break
        wait_until_old(answers[0])
    sent = f"GET /stats, {OTHERS} times at once and then once more, within {STATS_SECONDS:g} s"
    cause = "hold `kept.lock` while you look and count, keep the result, and give it again"
    fail(sent=sent, expected="one count for all", got=f"{counts} counts", cause=cause)


def check_long_count(api: Api, dynamodb_proxy: DynamoDBProxy) -> None:
    """A count takes longer than it may be old. Who has waited for it counts again."""
    wait_until_old(stats(api))
    with (
        dynamodb_proxy.before(lambda: time.sleep(LONG_SECONDS), is_count),
        ThreadPoolExecutor(2) as pool,
    ):
        moments = {one["as_of"] for one in pool.map(lambda _: stats(api), range(2))}
    if len(moments) == 1:
        cause = "ask for the time inside of `async with kept.lock`: before it, the count was not too old yet"
        sent = f"GET /stats twice at once, where the count takes {LONG_SECONDS:g} s"
        sent += f" and may be {STATS_SECONDS:g} s old"
        fail(sent=sent, expected="a second count for the second request", got="one", cause=cause)


def queries_of_a_count(api: Api, dynamodb_proxy: DynamoDBProxy) -> int:
    """How many queries one count takes, with the rows that there are. The next request counts again.

    An answer says itself as of when it is, so its `as_of` alone does not show that nothing was counted.
    """
    wait_until_old(stats(api))
    with dynamodb_proxy.watching() as seen:
        found = stats(api)
    wait_until_old(found)
    return max(1, sum(map(is_count, seen)))


def _seconds(api: Api) -> float:
    """How long `GET /health` takes, up to a limit."""
    started = time.monotonic()
    with suppress(TookTooLong):
        api.get("/health", timeout=BLOCKED_SECONDS)
    return time.monotonic() - started


def check_aged(api: Api, dynamodb_proxy: DynamoDBProxy, first: dict[str, Any]) -> None:
    """No answer is older than it may be. The first count took longer than what is waited too long here."""
    wait_until_old(first)
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


def wait_until_old(found: dict[str, Any]) -> None:
    """Wait until a count is too old."""
    time.sleep(max(0.0, STATS_SECONDS + 0.05 - age_of(found)))
