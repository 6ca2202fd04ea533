"""8.3: the check of a running step, and the decision after its error."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, Run, Student, fail, made, race
from autograder.sdk.answers import Code, must_return, plain
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import Item, JobsTable, job
from autograder.week08_operations.overdue import code

__all__ = ["code"]  # a fixture

pytestmark = pytest.mark.item("8.3")

CANCEL = "pipeline.tasks.cancellation"
LOOP = "grader_loop"
SOURCE = f"""
import sys, time, types
module = types.ModuleType({LOOP!r})
def run(check, seconds):
    end = time.monotonic() + seconds
    calls = 0
    while time.monotonic() < end:
        check()
        calls += 1
        time.sleep(0.01)
    return calls
module.run = run
sys.modules[{LOOP!r}] = module
"""


@pytest.fixture
def table(run: Run, stores: None) -> JobsTable:
    """The jobs table."""
    return JobsTable(run)


@pytest.fixture(autouse=True)
def loop(student: Student) -> Iterator[None]:
    """A function in the student's process that calls a check for some seconds."""
    student.call("builtins", "exec", SOURCE, {})
    yield


def held(rng: Random, **more: Any) -> Item:
    """The row of a job that a worker has."""
    return job(rng, "processing", kind="job", **more)


def check_of(row: Item) -> dict[str, Any]:
    """The check of a step that began with this row."""
    return made(CANCEL, "CancelCheck", made("pipeline.models.job", "Job.from_item", plain(row)))


def test_seldom(code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """a: the row is read at most once in a second, however often the check is called."""
    row = held(rng)
    table.put(row)
    sent = "a check of a job that its worker still has, 100 times a second for 3.4 s"
    with dynamodb_proxy.watching() as seen:
        must_return(sent, code.ask(LOOP, "run", check_of(row), 3.4))
        reads = sum(one.names(row["id"]) for one in seen)
        writes = sum(one.names(row["id"]) and one.writes for one in seen)
    if not 2 <= reads <= 3 or writes:
        cause = "the first read is due after `CHECK_SECONDS`; then set `next_at` for the next one"
        got = f"{reads} requests, {writes} of them writes"
        fail(sent=sent, expected="3 reads, one in each second", got=got, cause=cause)


def test_what_stops_it(student: Student, table: JobsTable, rng: Random) -> None:
    """b: the step stops if the job was cancelled, has ended, is gone, or has another generation."""
    before = [held(rng) for _ in range(8)]
    now: list[tuple[str, Item | None]] = [
        ("is still processing, with the same generation", before[0]),
        ("was cancelled", {**before[1], "status": "cancelled"}),
        ("is completed", {**before[2], "status": "completed"}),
        ("is pending again", {**before[3], "status": "pending"}),
        ("has no row any more", None),
        ("has a newer generation", {**before[5], "generation": before[5]["generation"] + 1}),
        ("was renewed by its worker", {**before[6], "updated_at": before[6]["updated_at"] + 1}),
        ("has failed", {**before[7], "status": "failed"}),
    ]
    table.put(*(one for _, one in now if one))
    calls = [[check_of(row), 1.6] for row in before]
    answers = race(student, "a check for 1.6 s", LOOP, "run", calls)
    for answer, (what, row) in zip(answers, now, strict=True):
        stops = row is None or row["status"] != "processing" or what.startswith("has a newer")
        check_answer(f"a check of a job that {what}", answer, stops)


def check_answer(sent: str, answer: Answer, stops: bool) -> None:
    if stops and answer.error != "JobCancelled":
        got = f"{answer.error}: {answer.message}" if not answer.ok else "the step goes on"
        cause = "compare the row's `status` and `generation` with those of `self.job`"
        fail(sent=sent, expected="the error JobCancelled", got=got, cause=cause)
    if not stops and not answer.ok:
        got = f"{answer.error}: {answer.message}"
        fail(sent=sent, expected="no error: the step goes on", got=got)


def test_table_away(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """c: while DynamoDB is away, the step goes on, and asks again a second later."""
    row = held(rng)
    table.put(row)
    with dynamodb_proxy.watching(lambda one: not one.names(row["id"])) as seen:
        answer = code.ask(LOOP, "run", check_of(row), 2.3)
        asked = sum(one.names(row["id"]) for one in seen)
    sent = "a check for 2.3 s while DynamoDB is away"
    if not answer.ok:
        cause = "catch `JobStoreUnavailable` of `read_row`, and return"
        got = f"{answer.error}: {answer.message}"
        fail(sent=sent, expected="no error: the step goes on", got=got, cause=cause)
    if asked > 9:
        cause = "set `next_at` before the read, so that a failed read counts too"
        fail(sent=sent, expected="one read in a second", got=f"{asked} requests", cause=cause)


def test_decision(code: Code, rng: Random) -> None:
    """g, h: a cancelled step is dropped; any other error is for the next hook."""
    mine = made("pipeline.models.job", "Job.from_item", plain(held(rng)))
    call = made(
        "pipeline.lifecycle.hooks",
        "TaskCall",
        number=3,
        task="pipeline.embed_chunks",
        worker="w",
        arguments=[],
    )
    hook = made(CANCEL, "Cancellation")
    cancelled = made(CANCEL, "JobCancelled")
    sent = "Cancellation.on_error() with a JobCancelled"
    answer = code.ask(CANCEL, "Cancellation.on_error", hook, mine, call, cancelled)
    value = must_return(sent, answer)
    if not isinstance(value, dict) or set(value) != {"reason"} or not value["reason"]:
        cause = "the row says already how the job ended: no retry, no dead letter"
        fail(sent=sent, expected="Drop with a reason", got=value, cause=cause)
    others = [
        made("builtins", "ValueError", "no"),
        made("pipeline.errors", "PermanentError"),
        made("builtins", "TimeoutError", "slow"),
    ]
    for error in others:
        sent = f"Cancellation.on_error() with a {error['name']}"
        value = must_return(
            sent, code.ask(CANCEL, "Cancellation.on_error", hook, mine, call, error)
        )
        if value is not None:
            cause = "this hook decides about `JobCancelled` alone, the next ones about retries"
            fail(sent=sent, expected="None", got=value, cause=cause)
