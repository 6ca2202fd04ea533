"""5.6: one alert for each kind of failure in a window."""

from __future__ import annotations

import json
import time
from collections import Counter
from random import Random
from typing import Any

import pytest

from autograder.sdk import Run, WebhookSink, Worker, broker, fail, until
from autograder.sdk.answers import Code, must_raise, must_return, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
from autograder.week05_retries.rows import (
    ALERTS,
    Item,
    Rows,
    Settings,
    as_job,
    dead,
    moment,
    row_of,
)

pytestmark = pytest.mark.item("5.6")

MODULE = "pipeline.tasks.alerts"
RACERS = 6
SLACK_SECONDS = 3.0
SENT_SECONDS = 15.0
DAY_SECONDS = 86_400
ONE_DECIDES = (
    "one conditional write must decide who alerts: reading first and writing then leaves a gap"
)


def record_of(table: Rows, kind: str) -> Item:
    return row_of(table, f"alert#{kind}")


def check_record(sent: str, table: Rows, kind: str, seen: int, quiet_until: float) -> None:
    """Check that all dead letters are counted, and that the first alert has set `quiet_until`."""
    found = record_of(table, kind)
    if found.get("seen") != seen:
        fail(
            sent=sent,
            expected=f"seen: {seen} on the record of this kind",
            got=plain(found) or "no record",
            cause="count a dead letter without an alert, too: the next alert says how many there were",
        )
    until = number(found.get("quiet_until"))
    if until is None or abs(until - quiet_until) > SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"quiet_until: {quiet_until - time.time():.0f} s from now",
            got="no quiet_until" if until is None else f"{until - time.time():.0f} s from now",
            cause="write `quiet_until` only with an alert: otherwise a failure that continues is never "
            "reported again",
        )


def check_expiry(sent: str, table: Rows, kind: str, begun: float, window: float) -> None:
    """Check that the record is deleted one day after the window of its last alert."""
    expires_at, wanted = (
        number(record_of(table, kind).get("expires_at")),
        begun + window + DAY_SECONDS,
    )
    if expires_at is None or abs(expires_at - wanted) > SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"expires_at: {window + DAY_SECONDS:.0f} s from now",
            got="no expires_at" if expires_at is None else f"{expires_at - begun:.0f} s from now",
            cause="write all of `changes` with an alert: a record that never expires is never "
            "deleted, and one that expires early lets a second alert through in its window",
        )


def claim(code: Code, sent: str, kind: str) -> int | None:
    said = must_return(sent, code.ask(MODULE, "claim_alert", kind))
    if said is not None and (not isinstance(said, int) or isinstance(said, bool)):
        cause = "the table returns numbers as `Decimal`: convert `seen` by `int`"
        fail(
            sent=sent,
            expected="the number of dead letters (an int), or None",
            got=said,
            cause=cause,
        )
    return said


def must_be(sent: str, said: int | None, wanted: int | None, cause: str = "") -> None:
    if said != wanted:
        silent = "None: the alert of this window has been sent"
        expected = silent if wanted is None else f"{wanted}: alert, with the number of dead letters"
        if wanted is not None and said is not None:
            cause = "return the record's `seen` as it is after the write, with all dead letters of this kind"
        fail(sent=sent, expected=expected, got=said, cause=cause)


def test_many_at_once(code: Code, table: Rows, settings: Settings, rng: Random) -> None:
    """l, n: many workers dead-letter jobs of one kind at the same time."""
    kind, begun = f"{rng.getrandbits(64):016x}", time.time()
    sent = f"claim_alert() {RACERS} times at once, for a new kind of failure"
    answers = code.race(sent, MODULE, "claim_alert", [[kind]] * RACERS)
    loud = [one for one in (must_return(sent, answer) for answer in answers) if one is not None]
    if len(loud) != 1:
        fail(
            sent=sent,
            expected="a number for one of them, None for all others",
            got=f"{len(loud)} numbers",
            cause="return None if no alert is to be sent: every number, also 0, sends one"
            if 0 in loud
            else ONE_DECIDES,
        )
    window = settings.alert_window_seconds
    check_record(sent, table, kind, RACERS, begun + window)
    check_expiry(sent, table, kind, begun, window)


def test_windows(code: Code, table: Rows, settings: Settings, rng: Random) -> None:
    """l, m, n: a window ends, is not extended by further failures, and is for one kind only."""
    kind, window = f"{rng.getrandbits(64):016x}", settings.alert_window_seconds
    must_be("claim_alert() of a new kind", claim(code, "claim_alert()", kind), 1)
    half = time.time() + window / 2
    quiet(table, kind, window / 2)
    sent = "claim_alert() of a kind with an alert half a window ago"
    must_be(sent, claim(code, sent, kind), None, "there is one alert in each window")
    check_record(sent, table, kind, 2, half)
    quiet(table, kind, -1)
    sent = "claim_alert() of a kind whose window has ended, and that was seen twice"
    cause = "`quiet_until` has passed, so the failure must be reported again"
    must_be(sent, claim(code, sent, kind), 3, cause)
    check_record(sent, table, kind, 3, time.time() + window)
    check_expiry(sent, table, kind, time.time(), window)
    must_be(sent + ", and once more", claim(code, sent, kind), None)
    other = f"{rng.getrandbits(64):016x}"
    sent = "claim_alert() of another kind"
    must_be(sent, claim(code, sent, other), 1, "each kind has a record and an alert of its own")


def test_without_dynamodb(code: Code, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """n: DynamoDB does not answer. That is an outage, and not an alert that has been sent."""
    kind = f"{rng.getrandbits(64):016x}"

    def passes(request: Request) -> bool:
        return not (request.writes and request.names(f"alert#{kind}"))

    with dynamodb_proxy.watching(passes):
        answer = code.ask(MODULE, "claim_alert", kind)
    cause = "catch `ConditionFailed` alone: None says that an alert has been sent, and nobody knows that here"
    sent = "claim_alert() of a new kind, while DynamoDB does not answer"
    must_raise(sent, answer, "JobStoreUnavailable", cause)


def test_without_dynamodb_in_a_window(
    code: Code, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """n: an alert has been sent, and DynamoDB does not answer to what is written after the first write."""
    kind = f"{rng.getrandbits(64):016x}"
    must_be("claim_alert() of a new kind", claim(code, "claim_alert()", kind), 1)
    writes: list[bytes] = []

    def passes(request: Request) -> bool:
        if request.writes and request.names(f"alert#{kind}"):
            writes.append(request.body)
        return len(writes) < 2

    with dynamodb_proxy.watching(passes):
        answer = code.ask(MODULE, "claim_alert", kind)
    if len(writes) < 2:  # one write has done all of it
        return
    cause = "catch `ConditionFailed` alone, also at the second write: this dead letter has not been counted"
    sent = "claim_alert() in the window of an alert, while DynamoDB answers to the first write only"
    must_raise(sent, answer, "JobStoreUnavailable", cause)


def quiet(table: Rows, kind: str, seconds: float) -> None:
    table.change(f"alert#{kind}", quiet_until=moment(seconds))


def test_a_race(
    code: Code, table: Rows, dynamodb_proxy: DynamoDBProxy, settings: Settings, rng: Random
) -> None:
    """l, n: another worker alerts right before the first write of `quiet_until`."""
    kind = f"{rng.getrandbits(64):016x}"
    until = moment(settings.alert_window_seconds)

    def act() -> None:
        known = table.get(f"alert#{kind}") or {"id": f"alert#{kind}"}
        table.put({**known, "seen": known.get("seen", 0) + 1, "quiet_until": until})

    def decides(request: Request) -> bool:
        return request.writes and request.names(f"alert#{kind}") and b"quiet_until" in request.body

    sent = "claim_alert() of a kind that another worker alerts about, right before the write"
    with dynamodb_proxy.before(act, decides):
        said = claim(code, sent, kind)
    must_be(sent, said, None, ONE_DECIDES)
    check_record(sent, table, kind, 2, float(until))


def test_one_write_decides(code: Code, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """l: of a new kind, `quiet_until` is written once. A write that only feels for others is a second one."""
    kind = f"{rng.getrandbits(64):016x}"
    sent = "claim_alert() of a new kind"
    with dynamodb_proxy.watching() as seen:
        must_be(sent, claim(code, sent, kind), 1)
    deciding = [one for one in seen if "quiet_until" in one.plain]
    check_one_write(f"{sent}: its writes of quiet_until", deciding, f"alert#{kind}", ONE_DECIDES)


def test_the_webhook(
    code: Code, table: Rows, worker: Worker, run: Run, webhooks: WebhookSink, rng: Random
) -> None:
    """l: four jobs fail in one way, then one in another: two alerts reach the operator."""
    kinds = [f"{rng.getrandbits(64):016x}" for _ in "ab"]
    sent = "alert() of four jobs that failed in one way, then of one that failed in another"
    for kind in (*kinds[:1] * 4, kinds[1]):
        must_return(
            sent, code.ask(MODULE, "alert", as_job(dead(rng, letter={"fingerprint": kind})))
        )

    def told() -> Counter[Any]:
        bodies = [_body(one.body) for one in webhooks.deliveries(ALERTS)]
        return Counter(body.get("fingerprint") for body in bodies if body.get("text"))

    until(lambda: all(told()[kind] for kind in kinds), SENT_SECONDS)
    until(lambda: not broker.waiting(run) and not broker.unacknowledged(run), SENT_SECONDS)
    found = {kind: told()[kind] for kind in kinds}
    if found != dict.fromkeys(kinds, 1):
        fail(
            sent=sent,
            expected="one POST to ALERT_WEBHOOK_URL for each kind",
            got=f"{found[kinds[0]]} for the first kind, {found[kinds[1]]} for the second",
            cause="`claim_alert` must return a number once, and None after that",
            log=worker.tail(),
        )
    if twice := [kind for kind, count in told().items() if kind and count > 1]:
        got = f"{len(twice)} kinds with more than one"
        fail(sent="all dead letters of this check", expected="one alert for each kind", got=got)


def _body(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
