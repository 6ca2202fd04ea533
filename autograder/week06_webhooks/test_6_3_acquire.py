"""6.3: one worker at a time takes a pending delivery, and not before its next attempt is due."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import Code, changed, differs, must_raise, must_return, number
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
from autograder.sdk.jobs_table import LONG, Item, JobsTable, moment
from autograder.week06_webhooks.conftest import Configured
from autograder.week06_webhooks.rows import ENDED, delivery, id_of

pytestmark = pytest.mark.item("6.3")

NOTIFY = "pipeline.webhooks.notify"
RACERS = 20
BUSY = "JobStoreUnavailable"
CLOCK_SECONDS = 60.0
"""How much later a write may happen on a busy machine."""
REFUSES_TOO_MUCH = (
    "return what `deliveries.change` returns. If it raised `ConditionFailed`, the condition refuses too "
    "much: `next_at` is compared the wrong way round, or an expired lease counts as active"
)
ONE_WRITE = "put the condition into the write: what was read before it may be out of date"


def acquire(code: Code, item: Item) -> Any:
    return code.ask(NOTIFY, "acquire", id_of(item))


def free(rng: Random) -> list[tuple[str, Item]]:
    """Return deliveries that can be taken, each with a description."""
    return [
        ("that no worker has and whose attempt is due", delivery(rng)),
        ("whose worker's lease has expired", delivery(rng, lease_until=moment(-5))),
        ("that was never tried", delivery(rng, tries=0, attempts={})),
    ]


def test_one_that_can_be_sent(
    code: Code, configured: Configured, table: JobsTable, rng: Random
) -> None:
    """a: `begun` is written with one more try, and what is returned is the delivery after that."""
    for what, item in free(rng):
        table.put(item)
        began = time.time()
        sent = f"acquire() of a delivery {what}"
        got = must_return(sent, acquire(code, item))
        if not isinstance(got, dict) or got.get("id") != id_of(item):
            fail(sent=sent, expected="the delivery", got=got, cause=REFUSES_TOO_MUCH)
        check_taken(sent, configured, item, table.get(item["id"]), began)
        if got.get("tries") != item["tries"] + 1:
            fail(
                sent=sent,
                expected=f"the delivery as it is now, with tries {item['tries'] + 1}",
                got=f"tries {got.get('tries')}",
                cause="return what `deliveries.change` returns, which is the delivery after the write",
            )


def check_taken(
    sent: str, configured: Configured, item: Item, row: Item | None, began: float
) -> None:
    """The row has one more try, a record of the attempt, and a lease."""
    tries = item["tries"] + 1
    if odd := differs(row, {"tries": tries, "status": "pending"}):
        fail(
            sent=sent,
            expected=f"tries {tries}, still pending",
            got=odd,
            cause="pass `tries=1` to `deliveries.change`",
        )
    row = row or {}
    attempts = row.get("attempts")
    attempt = attempts.get(str(tries)) if isinstance(attempts, dict) else None
    if not isinstance(attempt, dict) or number(attempt.get("at")) is None:
        fail(
            sent=sent,
            expected=f"attempt {tries} recorded with its time before it is made",
            got=attempts,
            cause="write `begun`, which contains the attempt, so that it is counted even if the worker dies",
        )
    seconds = configured.seconds("WEBHOOK_LEASE_SECONDS")
    for name in ("lease_until", "due_at"):
        value = number(row.get(name))
        if value is None or not began + seconds - 1 <= value <= began + seconds + CLOCK_SECONDS:
            left = None if value is None else round(value - began)
            fail(
                sent=sent,
                expected=f"{name} in {seconds:.0f} s",
                got=f"in {left} s",
                cause="write `begun`, which contains the lease and the due time: by them, the outbox finds a "
                "delivery whose worker died",
            )


def test_one_that_must_wait_or_is_over(code: Code, table: JobsTable, rng: Random) -> None:
    """b, c: None, and nothing written, if one of the three conditions does not hold."""
    late = rng.uniform(30, 900)
    cases = [
        (
            "that another worker has",
            delivery(rng, lease_until=moment(late)),
            "another worker is sending it: require `deliveries.unleased()` in the condition",
        ),
        (
            "whose next attempt is due later",
            delivery(rng, next_at=moment(late)),
            "a duplicate message must not cause an early attempt: require that `next_at` has passed",
        ),
        *(
            (
                f"that is {end}",
                delivery(rng, status=end),
                "a finished delivery is not sent: require the status `pending`",
            )
            for end in ENDED
        ),
    ]
    for what, item, cause in cases:
        table.put(item)
        sent = f"acquire() of a delivery {what}"
        got, row = must_return(sent, acquire(code, item)), table.get(item["id"])
        if got is not None or (odd := changed(item, row)):
            got = "the delivery, so it would be sent" if got is not None else odd
            fail(sent=sent, expected="None, and nothing written", got=got, cause=cause)
    nobody = delivery(rng)
    sent = "acquire() of a delivery that does not exist"
    if (got := must_return(sent, acquire(code, nobody))) is not None or table.get(nobody["id"]):
        fail(sent=sent, expected="None, and no item", got=got)


def test_what_happens_in_between(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """b, d: right before the student's write, another worker changes the delivery."""
    cases: list[tuple[str, Item]] = [
        ("it is delivered", {"status": "delivered", "lease_until": None, "due_at": None}),
        ("it is discarded", {"status": "discarded", "lease_until": None, "due_at": None}),
        ("it gets a later date", {"lease_until": None, "next_at": moment(LONG)}),
        ("another worker takes it", {"lease_until": moment(500), "tries": 7}),
        ("another worker extends its lease", {"lease_until": moment(500)}),
    ]
    cases += [("nothing happens", {})] * 2
    for what, changes in rng.sample(cases, len(cases)):
        item = delivery(rng, lease_until=moment(-5))
        table.put(item)

        def meddle(item: Item = item, changes: Item = changes) -> None:
            table.change(item["id"], **changes)

        def writes(request: Request, item: Item = item) -> bool:
            return request.writes and request.names(item["id"])

        sent = f"acquire() of a delivery whose lease has expired; right before its write {what}"
        with dynamodb_proxy.before(meddle, writes) as seen:
            got = must_return(sent, acquire(code, item))
        if not changes and got is None:
            fail(sent=sent, expected="the delivery", got=None)
        check_one_write(sent, seen, item["id"], ONE_WRITE)
        wanted = {name: value for name, value in changes.items() if value is not None}
        odd = differs(table.get(item["id"]), wanted)
        if changes and (got is not None or odd):
            got = "the delivery, so it would be sent" if got is not None else odd
            fail(sent=sent, expected="None, and nothing written", got=got, cause=ONE_WRITE)


def test_a_race(code: Code, table: JobsTable, rng: Random) -> None:
    """d: twenty copies of a message cause one attempt."""
    item = delivery(rng)
    table.put(item)
    sent = f"acquire() of one delivery, by {RACERS} workers at the same moment"
    answers = code.race(sent, NOTIFY, "acquire", [[id_of(item)]] * RACERS)
    row = table.get(item["id"]) or {}
    heard = [one for one in answers if one.error != BUSY]
    won = [one for one in heard if must_return(sent, one) is not None]
    unheard = len(heard) < RACERS and not won  # on a busy machine, the winner got no response
    if row.get("tries") != item["tries"] + 1 or (len(won) != 1 and not unheard):
        got = f"{len(won)} got it, and tries went from {item['tries']} to {row.get('tries')}"
        fail(
            sent=sent, expected="one worker gets it, the others get None", got=got, cause=ONE_WRITE
        )


def test_dynamodb_does_not_answer(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """c: an outage is not a refused write. The task must fail, so that the outage is seen."""
    item = delivery(rng)
    table.put(item)

    def passes(request: Request) -> bool:
        return not (request.writes and request.names(item["id"]))

    sent = "acquire() of a delivery that can be sent; DynamoDB does not answer to the write"
    with dynamodb_proxy.watching(passes):
        answer = acquire(code, item)
    cause = "catch `ConditionFailed` only: None means that there is nothing to do, and nobody knows that"
    must_raise(sent, answer, BUSY, cause)
