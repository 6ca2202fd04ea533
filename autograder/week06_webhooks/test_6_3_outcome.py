"""6.3: which status follows from an attempt, when the next attempt is made, and when there is none."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, differs, must_return, number, plain
from autograder.sdk.jobs_table import Item, JobsTable, moment
from autograder.sdk.randomness import check_own_chance
from autograder.week06_webhooks.conftest import Configured
from autograder.week06_webhooks.rows import delivery, id_of
from autograder.week06_webhooks.test_6_3_acquire import CLOCK_SECONDS, NOTIFY

pytestmark = pytest.mark.item("6.3")

DELIVERIES = "pipeline.webhooks.deliveries"
JITTER = 0.2
ROUNDING = 1e-6
DRAWS = 12
REDIRECT_CAUSE = (
    "a redirect is a failed attempt: following it would send a signed event to an unchecked URL, and "
    "if it counted as a success, the receiver would never get the event"
)


def attempt(**values: Any) -> dict[str, Any]:
    return made(DELIVERIES, "Attempt", at=time.time(), seconds=0.1, **values)


def test_what_an_attempt_means(code: Code, rng: Random) -> None:
    redirects = (300, 301, 302, 303, 304, 307, 308)
    again = (400, 401, 403, 404, 408, 409, 411, 418, 425, 429, 499, 500, 501, 502, 503, 504, 599)
    cases: list[tuple[dict[str, Any], str, str]] = [
        *(({"status": s}, "delivered", "every status from 200 to 299 is a success, for example 202 and 204")
          for s in (200, 201, 202, 204, 206, rng.randint(207, 298), 299)),
        ({"status": 410}, "discarded", "410 Gone means that the receiver never wants another webhook"),
        *(({"status": s}, "pending", REDIRECT_CAUSE) for s in redirects),
        *(({"status": s}, "pending", "this error may be temporary, so it is retried") for s in again),
        *(({"status": s}, "pending", "a status below 200 is not a success") for s in (100, 103, 199)),
        *(({"error": e}, "pending", "an attempt without a response is retried")
          for e in ("timeout", "connection", "tls", "no_http", "unsafe_url")),
        ({}, "pending", "without a status, the attempt was not successful"),
    ]  # fmt: skip
    rng.shuffle(cases)
    for values, wanted, cause in cases:
        what = ", ".join(f"{name} {value}" for name, value in values.items()) or "no response"
        sent = f"verdict() of an attempt with {what}"
        said = must_return(sent, code.ask(NOTIFY, "verdict", attempt(**values)))
        if said != wanted:
            expected = f"DeliveryStatus.{wanted.upper()}"
            fail(sent=sent, expected=expected, got=said, cause=cause)


def waits(code: Code, number_: int, **values: Any) -> list[float | None]:
    """Call `wait_before` several times and return the results."""
    one = attempt(status=503, **values)
    sent = f"wait_before({number_}, an attempt with status 503{asked(values)})"
    said = [must_return(sent, code.ask(NOTIFY, "wait_before", number_, one)) for _ in range(DRAWS)]
    for value in said:
        if value is not None and number(value) is None:
            fail(sent=sent, expected="a number of seconds, or None", got=value)
    return [None if value is None else number(value) for value in said]


def asked(values: dict[str, Any]) -> str:
    return f" and Retry-After: {values['retry_after']:g}" if "retry_after" in values else ""


def test_the_schedule(code: Code, configured: Configured) -> None:
    """The schedule has one entry for each attempt, counted from 1."""
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
    """Two new processes must not draw the same random numbers."""
    last = len(configured.schedule)
    sent = f"wait_before({last}, an attempt with status 503)"
    check_own_chance(code, sent, NOTIFY, "wait_before", last, attempt(status=503))


def check_range(sent: str, said: list[float | None], least: float) -> None:
    most = least * (1 + JITTER)
    for value in said:
        if value is None or not least - ROUNDING <= value <= most + ROUNDING:
            fail(
                sent=sent,
                expected=f"from {least:g} to {most:g} seconds",
                got=value,
                cause="attempts are counted from 1, and lists from 0. The schedule is a lower bound, "
                "and jitter adds up to a fifth",
            )


def test_retry_after(code: Code, configured: Configured, rng: Random) -> None:
    """A longer wait that the receiver asks for is used, and a shorter one is not."""
    index = rng.randrange(1, len(configured.schedule))
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
    check_range(f"{sent}, and Retry-After: 1", waits(code, index + 1, retry_after=1.0), least)
    said = waits(code, len(configured.schedule) + 1, retry_after=5.0)
    if set(said) != {None}:
        expected = "None, because the schedule has no more entries, whatever the receiver asks for"
        fail(sent="wait_before() after the last attempt", expected=expected, got=said[0])


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
