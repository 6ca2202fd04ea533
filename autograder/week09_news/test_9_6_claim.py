"""9.6: who may send a message, and what is recorded of it.

What a submission could fake:
- counts: messages are counted by the mail server, by an id that the row must have too.
- witness: the mail server and the row, on the grader's own connection. Both must agree.
- place: days, readers, ids, codes and signs that cannot be printed are random. What makes a title
  hostile is known, but its marks are random.
- store: the row, the mail server, and the neighbours of the row, which must not change.
- probe: threads race in one process, where a lock helps. So another connection also comes between the
  look and the write, and real processes are killed before and after the server's 250.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

import psycopg
import pytest

from autograder.sdk import Run, Student, fail, made, race
from autograder.sdk.answers import must_return
from autograder.week09_news.between import CALL_SECONDS, before_its_write
from autograder.week09_news.digest_cases import (
    DIGEST,
    MODEL,
    Reader,
    database,
    day_argument,
    near,
    put_row,
    row_of,
    some_day,
    stored,
    unchanged,
    word,
)

pytestmark = pytest.mark.item("9.6")

RACERS = 8
LOCK = "SELECT 1 FROM digests WHERE digest_day = %s AND subscriber_id = %s"
MAX_REASON_CHARS = 300


def claimed(
    student: Student, run: Run, day: date, who: Reader, message_id: str, lease: int = 120
) -> Any:
    """What `claim` returns."""
    arguments = (day_argument(day), who.subscriber_id, message_id, lease)
    return student.call(DIGEST, "claim", database(run), *arguments)


def check_claim(sent: str, value: Any, generation: int, message_id: str) -> None:
    """An answer must be this claim."""
    got = (value.get("generation"), value.get("message_id")) if isinstance(value, dict) else value
    if got != (generation, message_id):
        fail(
            sent=sent,
            expected=f"Claim(…, generation={generation}, message_id={message_id!r})",
            got=value,
            cause="return the row's own values: `RETURNING generation, message_id`",
        )


def test_the_first_claim(student: Student, run: Run, stores: None, rng: Random) -> None:
    """k, m: the row is made, with a lease."""
    day, who, lease = some_day(rng), stored(run, rng), rng.randint(300, 900)
    message_id = f"<{word(rng)}@first.test>"
    value = claimed(student, run, day, who, message_id, lease)
    sent = f"claim() of a digest that nobody has claimed, for {lease} s"
    check_claim(sent, value, 1, message_id)
    row = row_of(run, day, who)
    if not row or row["attempts"] != 1 or row["message_id"] != message_id:
        cause = "insert the row, and commit it: the connection is in autocommit mode"
        fail(sent=sent, expected="a row with attempts 1 and this id", got=row, cause=cause)
    if not near(row["lease"], lease) or row["sent_at"] or row["failed_at"]:
        cause = "the lease is `now()` of PostgreSQL plus `lease_seconds`"
        fail(sent=sent, expected=f"a lease of {lease} s", got=f"{row['lease']:.0f} s", cause=cause)
    other = [(day + timedelta(days=1), who), (day, stored(run, rng))]
    for number, (one_day, one) in enumerate(other):
        what = ("of another day", "of another subscriber")[number]
        identity = f"<{word(rng)}@other.test>"
        again = claimed(student, run, one_day, one, identity)
        check_claim(f"claim() of the digest {what}", again, 1, identity)


def test_who_is_too_late_gets_nothing(
    student: Student, run: Run, stores: None, rng: Random
) -> None:
    """l, m: a message that is sent, refused, or being sent is left alone."""
    cases: dict[str, dict[str, Any]] = {
        "another worker holds the claim": {"lease": 60},
        "the message was sent": {"sent": True},
        "the message was refused": {"failed": True},
    }
    for what, values in cases.items():
        day, who = some_day(rng), stored(run, rng)
        put_row(run, day, who, **values)
        before = row_of(run, day, who)
        value = claimed(student, run, day, who, f"<{word(rng)}@late.test>")
        sent = f"claim() where {what}"
        if value is not None:
            cause = "the `WHERE` of `DO UPDATE` asks for `sent_at`, `failed_at` and the lease"
            fail(sent=sent, expected="None", got=value, cause=cause)
        if not unchanged(before, row_of(run, day, who)):
            cause = "a claim that fails changes nothing"
            fail(sent=sent, expected=str(before), got=str(row_of(run, day, who)), cause=cause)


def test_a_lease_that_has_ended(student: Student, run: Run, stores: None, rng: Random) -> None:
    """k, l, m: the message is taken over, and keeps its id."""
    day, who, lease = some_day(rng), stored(run, rng), rng.randint(300, 900)
    generation, attempts = rng.randint(2, 9), rng.randint(10, 20)
    message_id = f"<{word(rng)}@old.test>"
    put_row(run, day, who, generation=generation, attempts=attempts, message_id=message_id)
    value = claimed(student, run, day, who, f"<{word(rng)}@new.test>", lease)
    sent = f"claim() where the lease of generation {generation} has ended"
    check_claim(sent, value, generation + 1, message_id)
    row = row_of(run, day, who)
    got = (row["generation"], row["attempts"], row["message_id"])
    if got != (generation + 1, attempts + 1, message_id):
        expected = f"generation {generation + 1}, attempts {attempts + 1}, and the old id"
        cause = "add 1 to what the row has; the id of a message never changes"
        fail(sent=sent, expected=expected, got=str(got), cause=cause)
    if not near(row["lease"], lease):
        cause = "the new claim has a lease of its own"
        fail(sent=sent, expected=f"a lease of {lease} s", got=f"{row['lease']:.0f} s", cause=cause)


def test_one_of_many_gets_the_claim(student: Student, run: Run, stores: None, rng: Random) -> None:
    """l: at the same moment, for a new row and for a lease that has ended."""
    for what in ("that nobody has claimed", "whose lease has ended"):
        for _ in range(3):
            day, who = some_day(rng), stored(run, rng)
            if what != "that nobody has claimed":
                put_row(run, day, who)
            sent = f"{RACERS} workers claim a digest {what} at the same moment"
            arguments = (day_argument(day), who.subscriber_id, f"<{word(rng)}@race.test>", 120)
            calls = [[database(run), *arguments] for _ in range(RACERS)]
            results = race(student, sent, DIGEST, "claim", calls)
            wrong = next((one for one in results if not one.ok), None)
            got = f"{wrong.error}: {wrong.message}" if wrong else ""
            winners = [one.value for one in results if one.ok and one.value is not None]
            if wrong or len(winners) != 1:
                cause = "one statement decides: between a SELECT and an UPDATE others do the same"
                got = got or f"{len(winners)} claims"
                fail(sent=sent, expected="one claim, and None for the others", got=got, cause=cause)


NEW = """
INSERT INTO digests (digest_day, subscriber_id, message_id, lease_until)
VALUES (%s, %s, '<other@race.test>', now() + interval '5 minutes')
"""
TAKE = """
UPDATE digests SET generation = generation + 1, lease_until = now() + interval '5 minutes'
WHERE digest_day = %s AND subscriber_id = %s
"""


def test_another_worker_comes_between(
    student: Student, run: Run, stores: None, rng: Random
) -> None:
    """l: another worker claims the digest before this one writes. A lock of one process is not enough."""
    for what in ("that nobody has claimed", "whose lease has ended"):
        day, who = some_day(rng), stored(run, rng)
        is_new = what == "that nobody has claimed"
        if not is_new:
            put_row(run, day, who, generation=3)

        def act(
            other: psycopg.Connection[Any], is_new: bool = is_new, key: Any = (day, who)
        ) -> None:
            names = [key[0], key[1].subscriber_id]
            if is_new:
                other.execute(NEW, names)
                return
            other.execute(f"{LOCK} FOR UPDATE NOWAIT".encode(), names)
            other.execute(TAKE, names)

        arguments = (day_argument(day), who.subscriber_id, f"<{word(rng)}@race.test>", 120)
        sent = f"claim() of a digest {what}; another worker claims it right before the write"
        ask = partial(student.ask, DIGEST, "claim", database(run), *arguments, timeout=CALL_SECONDS)
        answer, acted = before_its_write(run, "digests", ask, act)
        value = must_return(sent, answer)
        if acted and value is not None:
            cause = "one statement decides: between a SELECT and a write others do the same"
            fail(sent=sent, expected="None", got=value, cause=cause)
        if not acted and value is None:
            fail(sent=sent, expected="a claim, because the row was locked first", got="None")


# -- record ---------------------------------------------------------------------------------------


def recorded(
    student: Student, run: Run, day: date, who: Reader, generation: int, kind: str, **more: Any
) -> Any:
    """What `record` returns."""
    claim = made(MODEL, "Claim", day_argument(day), who.subscriber_id, generation, "<x@y.test>")
    outcome = made(MODEL, "Outcome", kind, more.get("reason", ""))
    return student.call(
        DIGEST, "record", database(run), claim, outcome, more.get("retry_seconds", 60)
    )


def test_each_outcome_is_recorded(student: Student, run: Run, stores: None, rng: Random) -> None:
    """r, s, t, u: what the row says afterwards, and nothing else in the table."""
    retry = rng.randint(1_000, 9_000)
    long = 2 * MAX_REASON_CHARS
    cases = [("sent", 0), ("refused", 10), ("refused", long), ("deferred", 10), ("deferred", long)]
    for kind, more_chars in cases:
        day, who, generation = some_day(rng), stored(run, rng), rng.randint(2, 9)
        neighbours = [(day + timedelta(days=1), who), (day, stored(run, rng))]
        for one_day, one in ((day, who), *neighbours):
            put_row(run, one_day, one, generation=generation, lease=60)
        others = [row_of(run, *one) for one in neighbours]
        reason = "" if kind == "sent" else f"450 {word(rng)} " + "y" * more_chars
        more = {"reason": reason, "retry_seconds": retry}
        value = recorded(student, run, day, who, generation, kind, **more)
        sent = f"record() of the outcome {kind!r}"
        if value is not True:
            cause = "one row is changed, which is found by its day and its subscriber"
            fail(sent=sent, expected="True: a row was changed", got=value, cause=cause)
        check_recorded(sent, kind, row_of(run, day, who), reason, retry)
        if not all(
            unchanged(before, row_of(run, *one))
            for before, one in zip(others, neighbours, strict=True)
        ):
            cause = "the row is found by its day and its subscriber, both of them"
            fail(sent=sent, expected="one row is changed", got="others too", cause=cause)


def check_recorded(sent: str, kind: str, row: dict[str, Any], reason: str, retry: int) -> None:
    """The row must say what became of the message."""
    done = (row["sent_at"] is not None, row["failed_at"] is not None)
    if done != (kind == "sent", kind == "refused"):
        got = f"sent_at: {row['sent_at']}, failed_at: {row['failed_at']}"
        cause = "`sent_at` is for a message that was accepted, `failed_at` for one that was refused"
        fail(sent=sent, expected=f"the times of a message that is {kind}", got=got, cause=cause)
    expected = None if kind == "sent" else reason[:MAX_REASON_CHARS]
    if row["last_error"] != expected:
        cause = "the first `MAX_REASON_CHARS` characters of the reason; null when it was sent"
        got = row["last_error"]
        fail(sent=sent, expected=f"last_error: {expected!r}", got=repr(got), cause=cause)
    if kind == "deferred" and not near(row["lease"], retry):
        cause = "the lease ends `retry_seconds` after `now()`, and then the next try begins"
        got = f"{row['lease']:.0f} s"
        fail(sent=sent, expected=f"a lease that ends in {retry} s", got=got, cause=cause)


def test_a_late_worker_records_nothing(
    student: Student, run: Run, stores: None, rng: Random
) -> None:
    """r: only the newest claim may write, and only once."""
    cases = {
        "a newer claim": {"generation": 5, "lease": 60},
        "a message that was sent": {"generation": 4, "sent": True},
        "a message that was refused": {"generation": 4, "failed": True},
    }
    for what, values in cases.items():
        for kind in ("sent", "refused", "deferred"):
            day, who = some_day(rng), stored(run, rng)
            put_row(run, day, who, **values)
            before = row_of(run, day, who)
            value = recorded(student, run, day, who, 4, kind, reason="too late")
            sent = f"record() of {kind!r} with generation 4, where the row has {what}"
            if not unchanged(before, row_of(run, day, who)):
                cause = "ask for the generation, `sent_at` and `failed_at` in the `WHERE`"
                fail(sent=sent, expected="no change", got=str(row_of(run, day, who)), cause=cause)
            if value is not False:
                fail(sent=sent, expected="False", got=value, cause="no row was changed: `rowcount`")


def test_another_worker_takes_over_meanwhile(
    student: Student, run: Run, stores: None, rng: Random
) -> None:
    """r: the claim is lost after this worker has looked, and before it writes."""
    for kind in ("sent", "refused", "deferred"):
        day, who = some_day(rng), stored(run, rng)
        put_row(run, day, who, generation=4)
        key = [day, who.subscriber_id]

        def act(other: psycopg.Connection[Any], key: Any = key) -> None:
            other.execute(f"{LOCK} FOR UPDATE NOWAIT".encode(), key)
            other.execute(TAKE, key)

        claim = made(MODEL, "Claim", day_argument(day), who.subscriber_id, 4, "<x@y.test>")
        arguments = (database(run), claim, made(MODEL, "Outcome", kind, "too late"), 60)
        ask = partial(student.ask, DIGEST, "record", *arguments, timeout=CALL_SECONDS)
        answer, acted = before_its_write(run, "digests", ask, act)
        sent = f"record() of {kind!r}; another worker takes the digest over right before the write"
        value, row = must_return(sent, answer), row_of(run, day, who)
        ours = (row["sent_at"], row["failed_at"], row["last_error"]) == (
            None,
            None,
            "an older error",
        )
        if acted and (value is not False or not ours or row["generation"] != 5):
            cause = "the generation belongs into the `WHERE` of the write: what was read before may be old"
            fail(sent=sent, expected="False, and no change", got=f"{value}, {row}", cause=cause)
