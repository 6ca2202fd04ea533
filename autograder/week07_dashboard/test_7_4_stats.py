"""7.4: `GET /stats` counts seldom, and blocks nobody.

Promises checked here, by their letters in the TODOs: a, b and c (`recent_counts`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from autograder.sdk import Api, TookTooLong, fail, until
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.week07_dashboard.conftest import STATS_SECONDS
from autograder.week07_dashboard.counting import age_of, stats

pytestmark = pytest.mark.item("7.4")

HOLD_SECONDS = 0.6 * STATS_SECONDS
"""How long a count takes at least, while others ask."""
BLOCKED_SECONDS = 3.0
"""A blocked process answers only after this. A free one answers in a moment, also a busy one."""
LONG_SECONDS = 1.5 * STATS_SECONDS
OTHERS = 6
TRY_SECONDS = 20.0
"""A busy machine may need longer than a count may be old: then it is tried again."""


def is_count(request: Request) -> bool:
    return request.operation == "Query" and b"by_status" in request.body


def test_one_count_for_many(api: Api, dynamodb_proxy: DynamoDBProxy) -> None:
    """a, b, c: requests that come while one counts wait for it, and others are answered meanwhile. The count
    is given again until it is too old, from `as_of` on, when it began.
    """
    alone = queries_of_a_count(api, dynamodb_proxy)
    found = until(lambda: counts_of_many(api, dynamodb_proxy, alone), TRY_SECONDS)
    counts, first = found or ("several", {})
    if counts != 1:
        sent = f"GET /stats, {OTHERS} times at once and then once more, within {STATS_SECONDS:g} s"
        cause = "hold `kept.lock` while you look and count, keep the result, and give it again"
        fail(sent=sent, expected="one count for all", got=f"{counts} counts", cause=cause)
    check_aged(api, dynamodb_proxy, first)


def counts_of_many(
    api: Api, dynamodb_proxy: DynamoDBProxy, alone: int
) -> tuple[int, dict[str, Any]] | None:
    """How many counts were made for several requests at once and one after them, and the first answer.

    None: they were several, and the machine was so slow that this may have been right.
    """
    wait_until_old(stats(api))
    health: list[float] = []

    def meanwhile() -> None:
        started = time.monotonic()
        health.append(_seconds(api))
        time.sleep(max(0.0, started + HOLD_SECONDS - time.monotonic()))

    with dynamodb_proxy.before(meanwhile, is_count) as seen, ThreadPoolExecutor(OTHERS) as pool:
        answers = list(pool.map(lambda _: stats(api), range(OTHERS)))
        answers.append(stats(api))
    if not health:
        fail(
            sent=f"GET /stats, more than {STATS_SECONDS:g} s after the last count",
            expected="a new count",
            got="no query of the index",
            cause="count again when the last count's `as_of` is too long ago",
        )
    if health[0] >= BLOCKED_SECONDS:
        cause = (
            "`count_jobs` blocks: run it `on_thread`, or every stream of the process stands still"
        )
        sent, got = "GET /health while DynamoDB takes long to count", "none until it was done"
        fail(sent=sent, expected="an answer meanwhile", got=got, cause=cause)
    counts = max(len({one["as_of"] for one in answers}), sum(map(is_count, seen)) // alone)
    in_time = all(age_of(one) < STATS_SECONDS * 0.9 for one in answers)
    return (counts, answers[0]) if counts == 1 or in_time else None


def queries_of_a_count(api: Api, dynamodb_proxy: DynamoDBProxy) -> int:
    """How many queries one count takes, with the rows that there are.

    An answer says itself as of when it is, so its `as_of` alone does not show that nothing was counted.
    """
    for _ in range(2):
        with dynamodb_proxy.watching() as seen:
            found = stats(api)
        if queries := sum(map(is_count, seen)):
            return queries
        wait_until_old(found)
    return 1


def _seconds(api: Api) -> float:
    """How long `GET /health` takes, up to a limit."""
    started = time.monotonic()
    with suppress(TookTooLong):
        api.get("/health", timeout=BLOCKED_SECONDS)
    return time.monotonic() - started


def check_aged(api: Api, dynamodb_proxy: DynamoDBProxy, first: dict[str, Any]) -> None:
    """No answer is older than it may be: not while DynamoDB is away, and not for one who has waited while
    another one counted for longer than that.

    The first count took so long that its age differs, whether it is told from its beginning or its end.
    """
    wait_until_old(first)
    with dynamodb_proxy.watching(lambda request: not is_count(request)) as seen:
        away = api.get("/stats", timeout=20.0)
    with (
        dynamodb_proxy.before(lambda: time.sleep(LONG_SECONDS), is_count),
        ThreadPoolExecutor(2) as pool,
    ):
        moments = {one["as_of"] for one in pool.map(lambda _: stats(api), range(2))}
    if not any(map(is_count, seen)) or first["as_of"] in moments:
        cause = "a count is as old as its `as_of`: the time at which it began, not its end"
        sent = f"GET /stats, more than {STATS_SECONDS:g} s after the last count began"
        got = f"the old one, as of {first['as_of']}"
        fail(sent=sent, expected="a new count", got=got, cause=cause)
    if away.status_code != 503:
        cause = (
            "let `JobStoreUnavailable` through: a count that is too old must not be given instead"
        )
        sent = "GET /stats while DynamoDB does not answer, after the last count has become too old"
        got = f"{away.status_code} {away.text[:200]}"
        fail(sent=sent, expected="503", got=got, cause=cause)
    if len(moments) == 1:
        cause = "ask for the time inside of `async with kept.lock`: before it, the count was not too old yet"
        sent = f"GET /stats twice at once, where the count takes {LONG_SECONDS:g} s"
        sent += f" and may be {STATS_SECONDS:g} s old"
        fail(sent=sent, expected="a second count for the second request", got="one", cause=cause)


def wait_until_old(found: dict[str, Any]) -> None:
    """Wait until a count is too old."""
    time.sleep(max(0.0, STATS_SECONDS + 0.05 - age_of(found)))
