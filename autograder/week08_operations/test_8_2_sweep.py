"""8.2: one sweep finds what is due, is bounded, and does no harm when it runs twice.

What a submission could fake:
- counts: messages must be exactly those of the rows that are due, and each row is written once.
- witness: rows, queues, and the commands that Redis itself has run. Beat's log is the submission's word,
  and the jobs that Beat recovers must be completed.
- place: limits, intervals and tokens are random. The time of a sweep is over before it, and in its
  middle.
- store: messages are looked for in all queues, and the rows of all items are compared.
- probe: another sweep claims an item right before the first write that changes it, and another Beat
  takes the lock before each command. A lock of one process helps with neither.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Run, Student, broker, fail, made, race
from autograder.sdk.answers import Code, must_raise, must_return, number
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
from autograder.sdk.jobs_table import JobsTable, job, moment
from autograder.sdk.randomness import function
from autograder.week08_operations.overdue import Item, broken, code, due, published, settings

__all__ = ["code"]  # a fixture

pytestmark = pytest.mark.item("8.2")

RECOVERY = "pipeline.tasks.recovery"


@pytest.fixture
def table(run: Run, stores: None) -> JobsTable:
    """The jobs table and the queues, without rows and messages of earlier checks."""
    table = JobsTable(run)
    table.clear()
    broker.database(run, broker.BROKER).flushdb()
    return table


def recover(code: Code, sent: str, **arguments: Any) -> Any:
    return must_return(sent, code.ask(RECOVERY, "recover", **arguments))


def check_published(sent: str, run: Run, rows: list[Item], cause: str) -> None:
    """There is one message for each of these jobs, and none for another."""
    wanted, found = sorted(one["id"] for one in rows), published(run)
    if found != wanted:
        twice = len(found) - len(set(found))
        got = (
            f"{len(found)} messages, {twice} of them twice, {len(set(wanted) - set(found))} missing"
        )
        expected = f"one message for each of the {len(wanted)} jobs that are due, and no other"
        fail(sent=sent, expected=expected, got=got, cause=cause)


def test_what_is_due(
    code: Code,
    run: Run,
    table: JobsTable,
    student: Student,
    dynamodb_proxy: DynamoDBProxy,
    rng: Random,
) -> None:
    """g, k: each due job is claimed and gets a message. What is not due is left alone."""
    rows = [due(rng) for _ in range(rng.randint(6, 12))]
    others = [job(rng, kind="job"), job(rng, "completed", kind="job"), job(rng, "cancelled")]
    table.put(*rows, *others)
    sent = f"recover() with {len(rows)} jobs that are due"
    with settings(student, redrive_seconds=700), dynamodb_proxy.watching() as seen:
        count = recover(code, sent)
    check_published(sent, run, rows, "handle what `claim` returns: it is the whole item")
    for row in rows:
        cause = "`claim` is one conditional write. A write that only tries decides nothing"
        check_one_write(sent, seen, row["id"], cause)
    if count != len(rows):
        fail(sent=sent, expected=f"{len(rows)}, the number of handled items", got=count)
    for row in rows:
        later = (number((table.get(row["id"]) or {}).get("due_at")) or 0) - time.time()
        if not 600 < later <= 700:
            fail(
                sent=f"{sent} and REDRIVE_SECONDS=700",
                expected="each item claimed: due again 700 s later",
                got=f"due in {later:.0f} s",
                cause="`claim` each item before it is handled, so that no other sweep handles it",
            )
    again = recover(code, "a second recover()")
    if again != 0 or len(published(run)) != len(rows):
        got = f"{again}, and {len(published(run))} messages"
        fail(sent="a second recover()", expected=f"0, and still {len(rows)} messages", got=got)


def test_two_at_once(student: Student, run: Run, table: JobsTable, rng: Random) -> None:
    """g, k: of five sweeps at the same moment, one handles each item."""
    rows = [due(rng) for _ in range(30)]
    table.put(*rows)
    sent = "five calls of recover() at the same moment"
    answers = race(student, sent, RECOVERY, "recover", [[] for _ in range(5)])
    values: list[Any] = [one.value if one.ok else one.error for one in answers]
    check_published(sent, run, rows, "handle an item only if `claim` returns it; None: too late")
    if not all(isinstance(one, int) for one in values) or sum(values) != len(rows):
        fail(sent=sent, expected=f"numbers that add up to {len(rows)}", got=values)


def test_a_skipped_item(
    code: Code, run: Run, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """g: an item that another sweep claims in the same moment is skipped, and the others are handled."""
    rows = [due(rng) for _ in range(6)]
    table.put(*rows)
    ids, first = {row["id"] for row in rows}, list[str]()

    def is_claim(request: Request) -> bool:
        if request.writes and not first:
            first.extend(table.would_change(request.operation, request.plain) & ids)
        return bool(first)

    sent = "recover() with 6 jobs that are due, of which another sweep claims the first one"
    with dynamodb_proxy.before(lambda: table.change(first[0], due_at=moment(900)), is_claim):
        recover(code, sent)
    others = [row for row in rows if row["id"] not in first]
    cause = "if `claim` returns None, go on with the next item"
    check_published(sent, run, others, cause)


def test_broken_items(
    code: Code, run: Run, table: JobsTable, student: Student, rng: Random
) -> None:
    """i, k: an item whose handler raises is due again, and stops no other."""
    rows, strange = [due(rng) for _ in range(8)], [broken(rng) for _ in range(5)]
    table.put(*strange, *rows)
    sent = "recover() with 8 jobs that are due, and 5 items whose handler raises an error"
    began = time.time()
    with settings(student, redrive_seconds=700):
        count = recover(code, sent)
    check_published(sent, run, rows, "catch every error of `handle`, and go on with the next item")
    if count != len(rows):
        fail(sent=sent, expected=f"{len(rows)}: failed items are not counted", got=count)
    for one in strange:
        when = (number((table.get(one["id"]) or {}).get("due_at")) or 0) - began
        if not -1 <= when <= 60:
            fail(
                sent=sent,
                expected="the broken item is due again now, after those that wait already",
                got=f"due {when:.0f} s after the call",
                cause="`due_again(item)` with the claimed item, after its handler has failed",
            )


def test_a_handler_without_its_table(
    student: Student, code: Code, run: Run, table: JobsTable, rng: Random
) -> None:
    """i: a handler raises `JobStoreUnavailable`. That is an error of one item like every other."""
    rows, strange = [due(rng) for _ in range(6)], broken(rng)
    table.put(strange, *rows)
    error = made("pipeline.models.errors", "JobStoreUnavailable")
    handler = made("unittest.mock", "Mock", side_effect=error)
    handlers = function("pipeline.wiring", "DUE_HANDLERS")
    student.call("operator", "setitem", handlers, strange["kind"], handler)
    sent = (
        "recover() with 6 jobs that are due, and an item whose handler raises JobStoreUnavailable"
    )
    try:
        answer = code.ask(RECOVERY, "recover")
    finally:
        student.renew()
    cause = (
        "catch whatever `handle` raises. The error of a handler says nothing about the other items"
    )
    if not answer.ok:
        got = f"{answer.error}: {answer.message}"
        fail(sent=sent, expected="6, and a warning in the log", got=got, cause=cause)
    check_published(sent, run, rows, cause)


def test_limits(code: Code, run: Run, table: JobsTable, rng: Random) -> None:
    """h, k: a sweep stops after `limit` items, broken ones included, and after `seconds`."""
    rows = [due(rng) for _ in range(9)]
    table.put(*rows)
    late = recover(code, "recover(seconds=-1)", seconds=-1)
    if late != 0 or published(run):
        got = f"{late}, and {len(published(run))} messages"
        cause = "compare `time.monotonic()` with `end` before each claim"
        fail(sent="recover(seconds=-1)", expected="0, and no message", got=got, cause=cause)
    most = rng.randint(3, 6)
    sent = f"recover(limit={most}) with 9 jobs that are due"
    count = recover(code, sent, limit=most)
    if count != most or len(published(run)) != most:
        got = f"{count}, and {len(published(run))} messages"
        fail(sent=sent, expected=f"{most}, and {most} messages", got=got)
    rest = recover(code, "recover() for the others")
    if rest != 9 - most:
        fail(sent="recover() for the others", expected=str(9 - most), got=rest)
    table.clear()
    strange = [broken(rng) for _ in range(8)]
    table.put(*strange)
    before = {one["id"]: one for one in strange}
    sent = "recover(limit=3) with 8 items whose handler raises an error"
    count = recover(code, sent, limit=3)
    changed = sum(one["due_at"] != before[one["id"]]["due_at"] for one in table.all())
    if count != 0 or changed != 3:
        got = f"{count}, and {changed} items were claimed"
        cause = "an item that fails uses up the limit, or a sweep of broken items has no end"
        fail(sent=sent, expected="0, and 3 items claimed", got=got, cause=cause)


def test_the_time_is_over_in_the_middle(
    code: Code, run: Run, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """h: each claim takes long, so the time is over before all items are claimed."""
    rows = [due(rng) for _ in range(MANY)]
    table.put(*rows)

    def slowly(request: Request) -> bool:
        if request.writes:
            time.sleep(CLAIM_SECONDS)
        return True

    sent = (
        f"recover(seconds={SWEEP_SECONDS:g}) with {MANY} jobs that are due, where each claim takes "
    )
    sent += f"{CLAIM_SECONDS:g} s"
    with dynamodb_proxy.watching(slowly):
        count = recover(code, sent, seconds=SWEEP_SECONDS)
    most = int(SWEEP_SECONDS / CLAIM_SECONDS) + 1
    if not isinstance(count, int) or count > most or len(published(run)) != count:
        cause = (
            "compare `time.monotonic()` with `end` before each claim, and not only at the beginning"
        )
        got = f"{count}, and {len(published(run))} messages"
        fail(sent=sent, expected=f"at most {most}, and as many messages", got=got, cause=cause)


MANY, CLAIM_SECONDS, SWEEP_SECONDS = 10, 0.4, 1.0


def test_table_away(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """j: without the table, the error leaves the function: while reading, and while claiming."""
    row = due(rng)
    table.put(row)
    cause = "nothing can be recovered without the table: `sweep` handles this error"
    with dynamodb_proxy.watching(lambda _: False):
        answer = code.ask(RECOVERY, "recover")
    must_raise("recover() while DynamoDB is away", answer, "JobStoreUnavailable", cause)
    with dynamodb_proxy.watching(lambda request: not request.writes):
        answer = code.ask(RECOVERY, "recover")
    sent = "recover() while DynamoDB accepts no write"
    must_raise(sent, answer, "JobStoreUnavailable", cause)
