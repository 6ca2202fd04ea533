"""6.3: which status follows from an attempt, when the next attempt is made, and when there is none."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, differs, must_return, number, plain
from autograder.sdk.jobs_table import Item, JobsTable, moment
from autograder.sdk.randomness import check_own_chance, values
from autograder.week06_webhooks.conftest import Configured
from autograder.week06_webhooks.rows import delivery, id_of
from autograder.week06_webhooks.test_6_3_acquire import CLOCK_SECONDS, NOTIFY

pytestmark = pytest.mark.item("6.3")

DELIVERIES = "pipeline.webhooks.deliveries"
JITTER = 0.2
ROUNDING = 1e-6
DRAWS = 12
DRAWN_STATUSES = 8
REDIRECT_CAUSE = (
    "a redirect is a failed attempt: following it would send a signed event to an unchecked URL, and "
    "if it counted as a success, the receiver would never get the event"
)


def attempt(**values: Any) -> dict[str, Any]:
    return made(DELIVERIES, "Attempt", at=time.time(), seconds=0.1, **values)


def test_what_an_attempt_means(code: Code, rng: Random) -> None:
    """e, f, g: the status that follows from each response, and from none."""
    redirects = (300, 301, 302, 303, 304, 307, 308)
    again = (400, 401, 403, 404, 408, 409, 411, 418, 425, 429, 499, 500, 501, 502, 503, 504, 599)
    cases: list[tuple[dict[str, Any], str, str]] = [
        *(({"status": s}, "delivered", "every status from 200 to 299 is a success, for example 202 and 204")
          for s in (200, 201, 202, 203, 204, 205, 206, 207, 208, 226, rng.randint(209, 298), 299)),
        ({"status": 410}, "discarded", "410 Gone means that the receiver never wants another webhook"),
        *(({"status": s}, "pending", REDIRECT_CAUSE) for s in redirects),
        *(({"status": s}, "pending", "this error may be temporary, so it is retried") for s in again),
        *(({"status": s}, "pending", "only 410 says that the receiver never wants another webhook")
          for s in (402, 405, 406, 409, 412, 451)),
        *(({"status": s}, "pending", "only 410 is final, and only 200 to 299 are a success")
          for s in rng.sample([one for one in range(300, 600) if one != 410], DRAWN_STATUSES)),
        *(({"status": s}, "pending", "a status below 200 is not a success") for s in (100, 103, 199)),
        *(({"error": e}, "pending", "an attempt without a response is retried")
          for e in ("timeout", "connection", "tls", "no_http", "unsafe_url")),
        ({}, "pending", "without a status, the attempt was not successful"),
    ]  # fmt: skip
    rng.shuffle(cases)
    for given, wanted, cause in cases:
        what = ", ".join(f"{name} {value}" for name, value in given.items()) or "no response"
        sent = f"verdict() of an attempt with {what}"
        said = must_return(sent, code.ask(NOTIFY, "verdict", attempt(**given)))
        if said != wanted:
            expected = f"DeliveryStatus.{wanted.upper()}"
            fail(sent=sent, expected=expected, got=said, cause=cause)


def waits(code: Code, number_: int, **more: Any) -> list[float | None]:
    """Call `wait_before` several times and return the results."""
    one = attempt(status=503, **more)
    sent = f"wait_before({number_}, an attempt with status 503{asked(more)})"
    said = [must_return(sent, code.ask(NOTIFY, "wait_before", number_, one)) for _ in range(DRAWS)]
    for value in said:
        if value is not None and number(value) is None:
            fail(sent=sent, expected="a number of seconds, or None", got=value)
    return [None if value is None else number(value) for value in said]


def asked(more: dict[str, Any]) -> str:
    return f" and Retry-After: {more['retry_after']:g}" if "retry_after" in more else ""


def test_the_schedule(code: Code, configured: Configured) -> None:
    """h, i, j: the schedule has one entry for each attempt, counted from 1."""
    schedule = configured.schedule
    shown = ", ".join(f"{one:g}" for one in schedule)
    for index, least in enumerate(schedule):
        sent = f"wait_before({index + 1}, …) with the schedule {shown}"
        said = waits(code, index + 1)
        check_range(sent, said, least)
        if least and len(set(said)) < DRAWS / 2:
            fail(
                sent=f"{sent}, {DRAWS} times",
                expected=f"from {least:g} to {least * (1 + JITTER):g}, a different wait each time",
                got=sorted(set(map(str, said))),
                cause="add a random part: without jitter, all deliveries that failed together are "
                "retried in the same second",
            )
    for beyond in (len(schedule) + 1, len(schedule) + 2):
        said = waits(code, beyond)
        if set(said) != {None}:
            fail(
                sent=f"wait_before({beyond}, …) with a schedule of {len(schedule)} entries",
                expected="None, because there is no such attempt",
                got=said[0],
                cause="the schedule allows exactly one attempt for each of its entries",
            )


def test_chance_is_each_process_its_own(code: Code, configured: Configured) -> None:
    """j: two new processes must not draw the same random numbers."""
    last = len(configured.schedule)
    sent = f"wait_before({last}, an attempt with status 503)"
    check_own_chance(code, sent, NOTIFY, "wait_before", last, attempt(status=503))


SHORT = 0.5, 2.0
"""Two short waits, in seconds. A random part in whole seconds would be 0."""
MANY_DRAWS = 36
"""A right random part is once in 2 ** 35 runs always in the same half of its range."""


def test_the_random_part(code: Code, configured: Configured, rng: Random) -> None:
    """i, j: it has the whole range from 0 to a fifth, of short waits and of a longer Retry-After."""
    configured.set(WEBHOOK_SCHEDULE=f"0,{SHORT[0]:g},{SHORT[1]:g}")
    least = round(rng.uniform(2_000, 80_000), 1)
    cases: list[tuple[int, float, dict[str, float]]] = [
        (2, SHORT[0], {}),
        (3, SHORT[1], {}),
        (1, least, {"retry_after": least}),
        (2, least, {"retry_after": least}),
    ]
    for index, wait, more in cases:
        sent = (
            f"wait_before({index}, …) with the schedule 0, {SHORT[0]:g}, {SHORT[1]:g}{asked(more)}"
        )
        said = many(code, sent, index, attempt(status=503, **more))
        check_range(sent, said, wait)
        parts = [value - wait for value in said if value is not None]
        middle = wait * JITTER / 2
        if not min(parts) < middle < max(parts):
            fail(
                sent=f"{sent}, {MANY_DRAWS} times",
                expected=f"random waits from {wait:g} to {wait * (1 + JITTER):g} s, in both halves of it",
                got=f"from {wait + min(parts):g} to {wait + max(parts):g} s",
                cause="the random part is drawn from 0 to `JITTER` times the wait, which is the longer one "
                "of the schedule's entry and `retry_after`, and it is not rounded",
            )


def many(code: Code, sent: str, number_: int, one: dict[str, Any]) -> list[float | None]:
    """Call `wait_before` many times, in one request."""
    said = must_return(sent, values(code, MANY_DRAWS, NOTIFY, "wait_before", number_, one))
    found = said if isinstance(said, list) else [said]
    return [number(value) for value in found]


SCHEDULE_CAUSE = (
    "attempts are counted from 1, and lists from 0. The schedule is a lower bound, and jitter adds up to a "
    "fifth"
)


def check_range(
    sent: str, said: list[float | None], least: float, cause: str = SCHEDULE_CAUSE
) -> None:
    most = least * (1 + JITTER)
    for value in said:
        if value is None or not least - ROUNDING <= value <= most + ROUNDING:
            fail(
                sent=sent,
                expected=f"from {least:g} to {most:g} seconds",
                got=value,
                cause=cause,
            )


def test_retry_after(code: Code, configured: Configured, rng: Random) -> None:
    """h, i, j: a longer wait that the receiver asks for is used, and a shorter one is not."""
    for index in range(1, len(configured.schedule)):
        check_retry_after(code, configured, rng, index)


def check_retry_after(code: Code, configured: Configured, rng: Random, index: int) -> None:
    least = configured.schedule[index]
    longer = round(least + rng.uniform(100, 3_000), 1)
    sent = f"wait_before() of an attempt with {least:g} s in the schedule"
    said = waits(code, index + 1, retry_after=longer)
    if any(value is None or value < longer - ROUNDING for value in said):
        fail(
            sent=f"{sent}, and Retry-After: {longer:g}",
            expected=f"at least {longer:g} s",
            got=said[0],
            cause="use `attempt.retry_after` if it is longer than the entry of the schedule",
        )
    check_range(f"{sent}, and Retry-After: {longer:g}", said, longer)
    cause = "use `attempt.retry_after` only if it is longer than the entry, which is a lower bound"
    said = waits(code, index + 1, retry_after=1.0)
    check_range(f"{sent}, and Retry-After: 1", said, least, cause)
    said = waits(code, len(configured.schedule) + 1, retry_after=5.0)
    if set(said) != {None}:
        expected = "None, because the schedule has no more entries, whatever the receiver asks for"
        cause = (
            "return None first if there is no entry: else a receiver makes us store it without end"
        )
        fail(sent="wait_before() after the last", expected=expected, got=said[0], cause=cause)


def test_from_the_first_attempt_to_the_last(
    code: Code, configured: Configured, table: JobsTable, rng: Random
) -> None:
    """Each attempt is taken, fails, and is recorded by `settle`. Then the next one becomes due."""
    item = delivery(rng, tries=0, attempts={})
    table.put(item)
    total = len(configured.schedule)
    for made_so_far in range(1, total + 1):
        sent = f"attempt {made_so_far} of {total}: acquire, a response of 503, settle"
        began = time.time()
        taken = made(NOTIFY, "acquire", id_of(item))
        pending = made(DELIVERIES, "DeliveryStatus", "pending")
        failed = attempt(status=503)
        must_return(sent, code.ask(NOTIFY, "settle", taken, failed, pending))
        row = table.get(item["id"]) or {}
        check_after(sent, configured, row, made_so_far, began)
        if made_so_far < total:
            table.change(item["id"], next_at=moment(-1))


def check_after(sent: str, configured: Configured, row: Item, count: int, began: float) -> None:
    attempts = row.get("attempts")
    kept = len(attempts) if isinstance(attempts, dict) else None
    if kept != count or row.get("tries") != count:
        got = f"attempts: {plain(attempts)}, and tries {plain(row.get('tries'))}"
        fail(sent=sent, expected=f"{count} recorded attempts", got=got)
    if count == len(configured.schedule):
        if odd := differs(row, {"status": "exhausted"}):
            fail(sent=sent, expected="exhausted, because that was the last attempt", got=odd)
        return
    least = configured.schedule[count]
    found = number(row.get("next_at"))
    most = least * (1 + JITTER) + CLOCK_SECONDS
    if row.get("status") != "pending" or found is None or not least - 1 <= found - began <= most:
        after = None if found is None else round(found - began)
        fail(
            sent=sent,
            expected=f"pending, and the next attempt in {least:g} to {least * (1 + JITTER):g} s",
            got=f"{row.get('status')}, and the next attempt in {after} s",
            cause=f"the wait before attempt {count + 1} is entry number {count + 1} of the schedule",
        )
