"""6.3: what an attempt means, when the next one comes, and when there is none."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, differs, must_return, number, plain
from autograder.sdk.jobs_table import Item, JobsTable, moment
from autograder.sdk.randomness import check_own_chance
from autograder.week06_webhooks.conftest import Place
from autograder.week06_webhooks.rows import delivery, id_of
from autograder.week06_webhooks.test_6_3_acquire import CLOCK_SECONDS, NOTIFY

pytestmark = pytest.mark.item("6.3")

DELIVERIES = "pipeline.webhooks.deliveries"
JITTER = 0.2
ROUNDING = 1e-6
DRAWS = 12
REDIRECT_CAUSE = (
    "who follows a redirect sends the event, signed, to whom the owner did not name, past every "
    "check of the address; who takes it for a success has told nobody"
)


def attempt(**values: Any) -> dict[str, Any]:
    return made(DELIVERIES, "Attempt", at=time.time(), seconds=0.1, **values)


def test_what_an_attempt_means(code: Code, rng: Random) -> None:
    redirects = (300, 301, 302, 303, 304, 307, 308)
    again = (400, 401, 403, 404, 408, 409, 411, 418, 425, 429, 499, 500, 501, 502, 503, 504, 599)
    cases: list[tuple[dict[str, Any], str, str]] = [
        *(({"status": s}, "delivered", "2xx is a success, and 202 and 204 as well as 200")
          for s in (200, 201, 202, 204, 206, rng.randint(207, 298), 299)),
        ({"status": 410}, "discarded", "410 Gone: the receiver wants to hear no more, ever"),
        *(({"status": s}, "pending", REDIRECT_CAUSE) for s in redirects),
        *(({"status": s}, "pending", "it may pass: try again") for s in again),
        *(({"status": s}, "pending", "199 and below are no success") for s in (100, 103, 199)),
        *(({"error": e}, "pending", "no answer at all may pass, too")
          for e in ("timeout", "connection", "tls", "no_http", "unsafe_url")),
        ({}, "pending", "without a status there is no success"),
    ]  # fmt: skip
    rng.shuffle(cases)
    for values, wanted, cause in cases:
        what = ", ".join(f"{name} {value}" for name, value in values.items()) or "no answer"
        sent = f"verdict() of an attempt with {what}"
        said = must_return(sent, code.ask(NOTIFY, "verdict", attempt(**values)))
        if said != wanted:
            expected = f"DeliveryStatus.{wanted.upper()}"
            fail(sent=sent, expected=expected, got=said, cause=cause)


def waits(code: Code, number_: int, **values: Any) -> list[float | None]:
    """What `wait_before` says, again and again."""
    one = attempt(status=503, **values)
    sent = f"wait_before({number_}, an attempt with status 503{asked(values)})"
    said = [must_return(sent, code.ask(NOTIFY, "wait_before", number_, one)) for _ in range(DRAWS)]
    for value in said:
        if value is not None and number(value) is None:
            fail(sent=sent, expected="seconds, or None", got=value)
    return [None if value is None else number(value) for value in said]


def asked(values: dict[str, Any]) -> str:
    return f" and Retry-After: {values['retry_after']:g}" if "retry_after" in values else ""


def test_the_schedule(code: Code, place: Place) -> None:
    """An entry for each attempt, counted from 1."""
    schedule = place.schedule
    shown = ", ".join(f"{one:g}" for one in schedule)
    for index, least in enumerate(schedule):
        sent = f"wait_before({index + 1}, …) where the schedule is {shown}"
        said = waits(code, index + 1)
        check_range(sent, said, least)
        if least and len(set(said)) < DRAWS / 2:
            fail(
                sent=f"{sent}, {DRAWS} times",
                expected=f"from {least:g} to {least * (1 + JITTER):g}, another wait each time",
                got=sorted(set(map(str, said))),
                cause="a receiver that was down for an hour has a thousand deliveries waiting: "
                "without jitter all come back in the same second",
            )
    for beyond in (len(schedule) + 1, len(schedule) + 2):
        said = waits(code, beyond)
        if set(said) != {None}:
            fail(
                sent=f"wait_before({beyond}, …) where the schedule has {len(schedule)} entries",
                expected="None: there is no such attempt",
                got=said[0],
                cause="as many attempts as entries, and not one more",
            )


def test_chance_is_each_process_its_own(code: Code, place: Place) -> None:
    """Two workers that have just started, with a thousand deliveries each."""
    last = len(place.schedule)
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
                cause="attempts are counted from 1, and lists from 0; the schedule is a lower bound, "
                "and jitter adds up to a fifth",
            )


def test_retry_after(code: Code, place: Place, rng: Random) -> None:
    """A receiver that asks for a longer wait gets it. A shorter one does not count."""
    index = rng.randrange(1, len(place.schedule))
    least = place.schedule[index]
    longer = round(least + rng.uniform(100, 3_000), 1)
    sent = f"wait_before() of an attempt for which the schedule has {least:g} s"
    said = waits(code, index + 1, retry_after=longer)
    if any(value is None or value < longer - ROUNDING for value in said):
        fail(
            sent=f"{sent}, and Retry-After: {longer:g}",
            expected=f"{longer:g} s at least",
            got=said[0],
            cause="it is overloaded, and says for how long",
        )
    check_range(f"{sent}, and Retry-After: {longer:g}", said, longer)
    check_range(f"{sent}, and Retry-After: 1", waits(code, index + 1, retry_after=1.0), least)
    said = waits(code, len(place.schedule) + 1, retry_after=5.0)
    if set(said) != {None}:
        expected = "None: the schedule is over, whatever the receiver asks"
        fail(sent="wait_before() after the last attempt", expected=expected, got=said[0])


def test_from_the_first_attempt_to_the_last(
    code: Code, place: Place, table: JobsTable, rng: Random
) -> None:
    """Each attempt is taken, fails, and is recorded with `settle`; then its time comes."""
    item = delivery(rng, tries=0, attempts={})
    table.put(item)
    total = len(place.schedule)
    for made_so_far in range(1, total + 1):
        sent = f"attempt {made_so_far} of {total}: acquire, an answer of 503, settle"
        began = time.time()
        taken = made(NOTIFY, "acquire", id_of(item))
        pending = made(DELIVERIES, "DeliveryStatus", "pending")
        failed = attempt(status=503)
        must_return(sent, code.ask(NOTIFY, "settle", taken, failed, pending))
        row = table.get(item["id"]) or {}
        check_after(sent, place, row, made_so_far, began)
        if made_so_far < total:
            table.change(item["id"], next_at=moment(-1))


def check_after(sent: str, place: Place, row: Item, count: int, began: float) -> None:
    attempts = row.get("attempts")
    kept = len(attempts) if isinstance(attempts, dict) else None
    if kept != count or row.get("tries") != count:
        got = f"attempts: {plain(attempts)}, and tries {plain(row.get('tries'))}"
        fail(sent=sent, expected=f"{count} attempts on record", got=got)
    if count == len(place.schedule):
        if odd := differs(row, {"status": "exhausted"}):
            fail(sent=sent, expected="exhausted: that was the last one", got=odd)
        return
    least = place.schedule[count]
    found = number(row.get("next_at"))
    most = least * (1 + JITTER) + CLOCK_SECONDS
    if row.get("status") != "pending" or found is None or not least - 1 <= found - began <= most:
        after = None if found is None else round(found - began)
        fail(
            sent=sent,
            expected=f"pending, and the next attempt in {least:g} to {least * (1 + JITTER):g} s",
            got=f"{row.get('status')}, and the next attempt in {after} s",
            cause=f"the wait before attempt {count + 1} is entry {count + 1} of the schedule",
        )
