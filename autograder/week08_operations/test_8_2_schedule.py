"""8.2: what Beat sends, and the lock that one Beat has."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from random import Random
from typing import Any

import pytest
import redis

from autograder.sdk import Run, Student, broker, fail, made, race
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.network import free_port
from autograder.week08_operations.commands import Command, recorded
from autograder.week08_operations.overdue import code, settings

__all__ = ["code"]  # a fixture

pytestmark = pytest.mark.item("8.2")

SCHEDULE = "pipeline.tasks.schedule"
LOCK = "beat-lock"
EXPIRY = {b"PX", b"EX", b"PXAT"}
"""The options of `SET` that give a key an expiry."""
TASKS = {
    "pipeline.sweep": "OUTBOX_INTERVAL_SECONDS",
    "pipeline.clean_up": "CLEAN_UP_INTERVAL_SECONDS",
}


def seconds(value: Any) -> float | None:
    """The seconds of a schedule or an expiry, a timedelta included."""
    if isinstance(value, dict) and value.get("__type__") in ("timedelta", "schedule"):
        return None
    return float(value) if isinstance(value, (int, float)) else None


def test_entries(student: Student, rng: Random) -> None:
    """a, b: two entries with the intervals of the settings, whose messages expire."""
    wanted = {
        "outbox_interval_seconds": rng.randint(2, 9) + 0.5,
        "clean_up_interval_seconds": float(rng.randint(20, 90)),
        "tick_expires_seconds": float(rng.randint(100, 200)),
    }
    with settings(student, **wanted):
        found = student.call(SCHEDULE, "entries")
    sent = f"entries() with {', '.join(f'{k.upper()}={v:g}' for k, v in wanted.items())}"
    entries = list(found.values()) if isinstance(found, dict) else []
    by_task = {one.get("task"): one for one in entries if isinstance(one, dict)}
    if sorted(map(str, by_task)) != sorted(TASKS) or len(entries) != len(TASKS):
        fail(sent=sent, expected=f"one entry for each of {', '.join(TASKS)}", got=found)
    for task, name in TASKS.items():
        every = seconds(by_task[task].get("schedule"))
        if every != wanted[name.lower()]:
            fail(
                sent=sent,
                expected=f"{task} every {wanted[name.lower()]:g} seconds, a number",
                got=by_task[task].get("schedule"),
                cause=f"the interval of {task} is the setting {name}",
            )
        options = by_task[task].get("options")
        expires = seconds(options.get("expires")) if isinstance(options, dict) else None
        if expires != wanted["tick_expires_seconds"]:
            fail(
                sent=sent,
                expected=f"`expires` of {task} in `options`: {wanted['tick_expires_seconds']:g}",
                got=options,
                cause="ticks pile up while no worker runs, unless each of them expires",
            )


@pytest.fixture
def client(run: Run) -> Iterator[redis.Redis]:
    """The grader's own connection, without a lock of an earlier check."""
    with broker.database(run, broker.BROKER) as client:
        client.delete(LOCK)
        yield client
        client.delete(LOCK)


def theirs(run: Run) -> dict[str, Any]:
    """A client of Redis in the student's process."""
    return made("redis", "Redis.from_url", f"{run.redis_url}/0", socket_timeout=10)


def watched(run: Run) -> AbstractContextManager[list[Command]]:
    """Collect the commands about the lock that Redis runs inside the block, and all scripts."""
    return recorded(run, lambda one: one.is_about(LOCK) or one.is_script)


def test_the_lock(code: Code, run: Run, client: redis.Redis, rng: Random) -> None:
    """c, d, e: a free lock is taken in one command, an own lock is renewed, another's is left alone."""
    mine, other = f"{rng.getrandbits(64):x}", f"{rng.getrandbits(64):x}"
    lasts = rng.randint(20, 60) + 0.25
    sent = f"hold(client, {mine!r}, {lasts})"
    with watched(run) as taking:
        taken = must_return(sent, code.ask(SCHEDULE, "hold", theirs(run), mine, lasts))
    if taken is not True or client.get(LOCK) != mine.encode():
        got = f"{taken!r}, and the lock is {client.get(LOCK)!r}"
        fail(sent=f"{sent} while nobody has the lock", expected="True and the own token", got=got)
    check_expiry(f"{sent} while nobody has the lock", client, lasts)
    for one in taking:
        plain = one.name in ("SET", "SETNX", "GETSET") and not one.in_script
        if plain and not EXPIRY & one.options:
            fail(
                sent=sent,
                expected="one command that sets the lock with its expiry",
                got=str(one),
                cause="a Beat that dies between two commands leaves a lock that never expires",
            )
    renewed = lasts + rng.randint(30, 60)
    sent = f"hold(client, {mine!r}, {renewed}) by the Beat that has the lock"
    with watched(run) as renewing:
        kept = must_return(sent, code.ask(SCHEDULE, "hold", theirs(run), mine, renewed))
    if kept is not True:
        cause = "a Beat that has the lock must renew it, and return True"
        fail(sent=sent, expected="True", got=kept, cause=cause)
    check_expiry(sent, client, renewed)
    check_one_command(sent, renewing)
    check_scripts(sent, client, renewing, other)
    client.set(LOCK, other, px=50_000)
    sent = f"hold(client, {mine!r}, {renewed}) while another Beat has the lock"
    lost = must_return(sent, code.ask(SCHEDULE, "hold", theirs(run), mine, renewed))
    left: Any = client.pttl(LOCK)
    if lost is not False or client.get(LOCK) != other.encode():
        got = f"{lost!r}, and the lock is {client.get(LOCK)!r}"
        fail(sent=sent, expected="False, and the token of the other", got=got)
    if not 30_000 < left <= 50_000:
        cause = "a Beat that waits must not extend the lock, or nobody takes over from a dead Beat"
        fail(sent=sent, expected="the expiry unchanged: about 50 s", got=f"{left} ms", cause=cause)


def check_expiry(sent: str, client: redis.Redis, lasts: float) -> None:
    left: Any = client.pttl(LOCK)
    if not (lasts - 10) * 1000 < left <= lasts * 1000:
        cause = "without an expiry (-1) a dead Beat keeps the lock for good"
        fail(sent=sent, expected=f"an expiry of {lasts:g} s", got=f"{left} ms", cause=cause)


def check_one_command(sent: str, seen: list[Command]) -> None:
    """A renewal compares and extends in the same command, or in a transaction that watches the lock."""
    names = [one.name for one in seen if not one.in_script]
    if "WATCH" in names and "GET" in names[names.index("WATCH") :]:
        return
    for one in seen:
        extends = one.name in ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "GETEX")
        overwrites = one.name in ("SET", "SETEX", "PSETEX") and b"NX" not in one.options
        if (extends or overwrites) and not one.in_script:
            fail(
                sent=sent,
                expected="one script that compares the token and sets the expiry",
                got=str(one),
                cause="between a read and this command, another Beat can have taken the lock",
            )


def check_scripts(sent: str, client: Any, seen: list[Command], other: str) -> None:
    """A script of a renewal does nothing if another Beat has taken the lock before it runs."""
    for one in seen:
        if not one.is_script or one.in_script:
            continue
        client.set(LOCK, other, px=50_000)
        with suppress(redis.RedisError):
            client.execute_command(*one.words)
        left = client.pttl(LOCK)
        if client.get(LOCK) != other.encode() or not 30_000 < left <= 50_000:
            fail(
                sent=f"{sent}; another Beat takes the lock right before this script runs",
                expected="the token of the other, and its expiry",
                got=f"the lock is {client.get(LOCK)!r}, and expires in {left} ms",
                cause="compare the token in the script: what was read before it may be out of date",
            )


def test_of_many_one_takes_it(student: Student, run: Run, client: redis.Redis, rng: Random) -> None:
    """c, e: of eight Beats that start at the same moment, one gets the lock."""
    sent = "hold() by eight Beats at the same moment"
    calls = [[theirs(run), f"{n}-{rng.getrandbits(32):x}", 30] for n in range(8)]
    answers = race(student, sent, SCHEDULE, "hold", calls)
    values = [one.value if one.ok else one.error for one in answers]
    if values.count(True) != 1 or values.count(False) != 7:
        fail(sent=sent, expected="one True and seven False", got=values)


def test_a_short_lock_expires(code: Code, run: Run, client: redis.Redis, rng: Random) -> None:
    """c: a lock of a fraction of a second is free afterwards."""
    sent = "hold(client, 'first', 0.4), and 0.8 s later hold(client, 'second', 30)"
    must_return(sent, code.ask(SCHEDULE, "hold", theirs(run), "first", 0.4))
    time.sleep(0.8)
    if must_return(sent, code.ask(SCHEDULE, "hold", theirs(run), "second", 30)) is not True:
        cause = "the lock of a dead Beat expires after so many seconds"
        fail(sent=sent, expected="True for the second", got="False", cause=cause)


def test_redis_away(code: Code) -> None:
    """f: the errors of Redis leave the function."""
    away = made("redis", "Redis.from_url", f"redis://127.0.0.1:{free_port()}/0", socket_timeout=1)
    answer = code.ask(SCHEDULE, "hold", away, "somebody", 30)
    cause = "`OneBeat` handles the error: it sends nothing then"
    must_raise("hold() while Redis is away", answer, "RedisError", cause)
