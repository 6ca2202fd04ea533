"""8.4: the token bucket, as a script in the run's Redis.

What a submission could fake:
- counts: requests of two workers are counted in the provider's journal, and more of them lose. Each job
  must have one there, so requests under another key lose too.
- witness: the grader runs the script itself, and reads the row. Times are those of Redis and of the
  grader.
- place: rates, sizes, keys and waits are random.
- store: the bucket's key, the row and the index of due items, which is the row's due time.
- probe: a script sees its arguments only. Another worker takes the job before the write of
  `wait_for_turn`, which is called in the calling process and by real workers.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest
from redis.exceptions import RedisError

from autograder.sdk import Run, Student, broker, fail

pytestmark = pytest.mark.item("8.4")

MODULE = "pipeline.tasks.rate_limit"
DATABASE = 2
SLACK_SECONDS = 0.25
"""How much a busy machine may take between two calls."""


class Bucket:
    """One bucket, which only this check uses."""

    def __init__(self, student: Student, run: Run, rng: Random, rate: float, size: int) -> None:
        self.script = student.call(MODULE, "token_bucket")
        self.rate, self.size = rate, size
        self.key = f"bucket-{rng.getrandbits(64):x}"
        self._redis = broker.database(run, DATABASE)
        self.calls = f"rate {rate:g}, size {size}"
        if not isinstance(self.script, str) or not self.script.strip():
            fail(sent="token_bucket()", expected="a Lua script as a text", got=self.script)

    def take(self, wanted: int = 1) -> float:
        """Ask for tokens, and return the seconds to wait."""
        sent = f"the script with {self.calls}, {wanted} wanted"
        try:
            said: Any = self._redis.eval(self.script, 1, self.key, self.rate, self.size, wanted)
        except RedisError as error:
            fail(sent=sent, expected="a number of seconds", got=f"Redis says: {error}")
        text = said.decode() if isinstance(said, bytes) else said
        try:
            seconds = float(text)
        except (TypeError, ValueError):
            fail(sent=sent, expected="a number of seconds, as a text", got=said)
        if not isinstance(said, bytes) and seconds:
            cause = "a Lua number loses its fraction on the way to the client: return a text"
            fail(sent=sent, expected="a number of seconds, as a text", got=said, cause=cause)
        return seconds

    def must_take(self, wanted: int, sent: str, cause: str) -> None:
        seconds = self.take(wanted)
        if seconds != 0:
            fail(
                sent=sent,
                expected="0: the tokens were taken",
                got=f"wait {seconds:g} s",
                cause=cause,
            )

    def must_wait(self, wanted: int, seconds: float, sent: str, cause: str) -> None:
        found = self.take(wanted)
        if not seconds - SLACK_SECONDS <= found <= seconds + 0.01 or found <= 0:
            fail(sent=sent, expected=f"wait about {seconds:g} s", got=f"{found:g} s", cause=cause)

    def expires_in(self) -> float:
        """The seconds until the bucket's keys expire. -1: never."""
        found: Any = self._redis.pttl(self.key)
        return float(found) / 1000 if found > 0 else float(found)


def test_a_full_bucket_and_an_empty_one(student: Student, run: Run, rng: Random) -> None:
    """c, d: as many as it holds are taken at once, and a refusal takes nothing and says how long to wait."""
    bucket = Bucket(student, run, rng, rate=rng.choice([0.5, 0.8, 1.25]), size=rng.randint(3, 6))
    for number in range(1, bucket.size + 1):
        sent = f"{bucket.calls}: token {number} of a new bucket"
        bucket.must_take(1, sent, "a new bucket is full, and each call takes what it wants")
    one = 1 / bucket.rate
    for _ in range(3):
        sent = f"{bucket.calls}: one more from the empty bucket"
        bucket.must_wait(
            1,
            one,
            sent,
            "wait for the missing tokens, at this rate. A number that a script returns "
            "loses its fraction, a text does not. A refusal takes nothing",
        )
    sent = f"{bucket.calls}: 2 from the empty bucket"
    bucket.must_wait(2, 2 * one, sent, "wait until there are as many tokens as are wanted")


def test_several_at_once(student: Student, run: Run, rng: Random) -> None:
    """c, d: a call takes all that it wants, or nothing."""
    bucket = Bucket(student, run, rng, rate=0.5, size=rng.randint(5, 8))
    left = 2
    bucket.must_take(
        bucket.size - left, f"{bucket.calls}: {bucket.size - left} wanted", "it holds more"
    )
    sent = f"{bucket.calls}: 3 wanted while there are {left}"
    bucket.must_wait(3, 2.0, sent, "one token is missing, and the two others count")
    sent = f"{bucket.calls}: {left} wanted, after that refusal"
    bucket.must_take(left, sent, "a refusal must not take what is there")


def test_it_fills_up(student: Student, run: Run, rng: Random) -> None:
    """a, b: tokens come with the time of Redis, in fractions of a second, and never above the size."""
    bucket = Bucket(student, run, rng, rate=rng.choice([8.0, 10.0]), size=4)
    bucket.must_take(4, f"{bucket.calls}: all of a new bucket", "a new bucket is full")
    seconds = 2.2 / bucket.rate
    started = time.monotonic()
    time.sleep(seconds)
    sent = f"{bucket.calls}: 2 wanted, {seconds:.2f} s after it was emptied"
    cause = "count the microseconds of `TIME` too, and keep fractions of tokens"
    bucket.must_take(2, sent, cause)
    if time.monotonic() - started < 4 / bucket.rate:
        found = bucket.take(4)
        if found <= 0:
            fail(
                sent=f"{sent}, then 4 more",
                expected="a wait",
                got=found,
                cause="it gained too much",
            )
    time.sleep(8 / bucket.rate)
    bucket.must_take(
        4, f"{bucket.calls}: all, after a pause", "the bucket gains `ARGV[1]` a second"
    )
    if bucket.take(4) <= 0:
        cause = "however long the pause, the bucket holds at most `ARGV[2]` tokens"
        fail(
            sent=f"{bucket.calls}: twice all, after a pause",
            expected="a wait",
            got="0",
            cause=cause,
        )


def test_often_asked(student: Student, run: Run, rng: Random) -> None:
    """b: the fractions of a token that come between two calls add up."""
    bucket = Bucket(student, run, rng, rate=5.0, size=2)
    bucket.must_take(2, f"{bucket.calls}: all of a new bucket", "a new bucket is full")
    end = time.monotonic() + 0.45  # 2.25 tokens
    while time.monotonic() < end:
        bucket.take(2) if time.monotonic() < end - 0.1 else None
        time.sleep(0.02)
    sent = f"{bucket.calls}: refused many times within 0.35 s"
    found = bucket.take(1)
    if found > 0:
        cause = (
            "a call that is refused must keep the fraction of a token that came since the last call"
        )
        fail(
            sent=sent,
            expected="0: at least one token has come",
            got=f"wait {found:g} s",
            cause=cause,
        )


def test_more_than_it_holds(student: Student, run: Run, rng: Random) -> None:
    """e: a full bucket is enough, and the debt lets others wait longer."""
    bucket = Bucket(student, run, rng, rate=4.0, size=rng.randint(2, 3))
    wanted = bucket.size + rng.randint(3, 5)
    sent = f"{bucket.calls}: {wanted} wanted from a full bucket"
    bucket.must_take(
        wanted, sent, "a step that wants more than the bucket holds would wait without end"
    )
    owed = wanted - bucket.size
    sent += ", then 1"
    cause = "subtract all that was wanted: the number of tokens may be negative"
    bucket.must_wait(1, (owed + 1) / bucket.rate, sent, cause)
    sent = f"{bucket.calls}: {wanted} wanted from a bucket that is not full"
    cause = "even a large step waits until the bucket is full"
    bucket.must_wait(wanted, (owed + bucket.size) / bucket.rate, sent, cause)


def test_it_expires(student: Student, run: Run, rng: Random) -> None:
    """f: the key has an expiry, not before the bucket is full again, and not much later."""
    bucket = Bucket(student, run, rng, rate=0.5, size=rng.randint(4, 6))
    bucket.must_take(bucket.size, f"{bucket.calls}: all of a new bucket", "a new bucket is full")
    full = bucket.size / bucket.rate
    seconds = bucket.expires_in()
    sent = f"{bucket.calls}: when the key of the emptied bucket expires"
    if seconds < full - 0.5:
        cause = "a key that expires earlier is a full bucket too early"
        cause = "set an expiry with `EXPIRE` or `PEXPIRE`" if seconds < 0 else cause
        got = "never" if seconds < 0 else f"{seconds:g} s"
        fail(sent=sent, expected=f"about {full:g} s", got=got, cause=cause)
    if seconds > 10 * full + 60:
        cause = "PEXPIRE counts milliseconds, EXPIRE seconds"
        fail(sent=sent, expected=f"about {full:g} s", got=f"{seconds:g} s", cause=cause)
    check_debt_expires(Bucket(student, run, rng, rate=0.5, size=rng.randint(4, 6)), rng)


def check_debt_expires(bucket: Bucket, rng: Random) -> None:
    """A bucket with a negative number of tokens needs longer until it is full."""
    wanted = bucket.size + rng.randint(4, 8)
    sent = f"{bucket.calls}: {wanted} wanted from a full bucket"
    bucket.must_take(wanted, sent, "a full bucket is enough")
    full, seconds = wanted / bucket.rate, bucket.expires_in()
    if seconds < full - 0.5:
        cause = "a key that expires while tokens are owed is a full bucket too early: count from the tokens "
        cause += "that are there"
        sent += ". When its key expires"
        fail(sent=sent, expected=f"about {full:g} s", got=f"{seconds:g} s", cause=cause)
