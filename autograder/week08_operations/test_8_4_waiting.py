"""8.4: what a step does that got no token: on its row, and with a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, OpenAIControl, Run, Student, broker, fail, made, until
from autograder.sdk.answers import must_raise, must_return, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
from autograder.sdk.jobs_table import Item, JobsTable, job
from autograder.week08_operations.backlog import emptied, submit

pytestmark = [pytest.mark.item("8.4"), pytest.mark.usefixtures("stores")]

__all__ = ["emptied"]

MODULE = "pipeline.tasks.rate_limit"
SLACK_SECONDS = 1.0
RATE = 0.5
JOBS = 4
ON_THE_WAY_SECONDS = 2.0
"""How long after its token a request may arrive: the first one of a process loads a library."""
DONE_SECONDS = 40.0


@pytest.fixture
def limits(student: Student, rng: Random) -> Iterator[dict[str, float]]:
    """Settings of the student's process, which is a new one afterwards."""
    chosen: dict[str, float] = {
        "BROKER_WAIT_SECONDS": rng.randint(20, 40),
        "REDRIVE_SECONDS": rng.randint(400, 900),
    }
    student.renew()
    student.call("os", "environ.update", {name: str(value) for name, value in chosen.items()})
    yield chosen
    student.renew()


def ask_to_wait(student: Student, row: Item, seconds: float) -> Answer:
    """Call the student's function for the third step of a job."""
    known = made("pipeline.models.dead_letters", "ReliableJob", **plain(row))
    call = made(
        "pipeline.lifecycle.hooks", "TaskCall", 3, "pipeline.embed_chunks", "w", [row["document"]]
    )
    return student.ask(MODULE, "wait_for_turn", known, call, seconds)


def wait_for_turn(student: Student, row: Item, seconds: float, sent: str) -> dict[str, Any]:
    """The decision that the function must return."""
    said = must_return(sent, ask_to_wait(student, row, seconds))
    return said if isinstance(said, dict) else {"value": said}


def test_the_row_of_a_waiting_step(
    student: Student,
    run: Run,
    limits: dict[str, float],
    dynamodb_proxy: DynamoDBProxy,
    rng: Random,
) -> None:
    """g, h, i: the lease ends, no attempt counts, and a message or the row keeps the wait."""
    limit, redrive = limits["BROKER_WAIT_SECONDS"], limits["REDRIVE_SECONDS"]
    table = JobsTable(run)
    for seconds in (
        round(rng.uniform(2, 15), 3),
        float(limit),
        limit + round(rng.uniform(2, 90), 3),
    ):
        row = job(rng, "processing", steps_done=2, step="embed")
        table.put(row)
        sent = f"wait_for_turn() with {seconds:g} s (BROKER_WAIT_SECONDS {limit:g})"
        started = time.monotonic()
        with dynamodb_proxy.watching() as seen:
            said = wait_for_turn(student, row, seconds, sent)
        took = time.monotonic() - started
        if took > min(seconds, 5.0) - 0.5 and took > 1.0:
            cause = "do not sleep: the step must give up its slot"
            fail(sent=sent, expected="an answer at once", got=f"after {took:.1f} s", cause=cause)
        decision(sent, said, seconds, seconds > limit)
        due = seconds if seconds > limit else seconds + redrive
        on_row(sent, table.get(row["id"]) or {}, row, due)
        check_one_write(
            sent, seen, row["id"], "`hand_over` is one conditional write, which decides"
        )


@pytest.mark.parametrize("late", [False, True], ids=["before the call", "before its write"])
def test_a_job_that_another_worker_has(
    student: Student,
    run: Run,
    limits: dict[str, float],
    dynamodb_proxy: DynamoDBProxy,
    rng: Random,
    late: bool,
) -> None:
    """g: the job was cancelled or taken over, so `hand_over` changes nothing, and its error leaves."""
    table = JobsTable(run)
    for what in ("was cancelled", "has a newer generation"):
        row = job(rng, "processing", steps_done=2, step="embed")
        table.put(row)
        known: list[Item | None] = []

        def change(row: Item = row, what: str = what, known: list[Item | None] = known) -> None:
            if what == "was cancelled":
                table.cancel(row["id"])
            else:
                table.change(row["id"], generation=row["generation"] + 1, lease_owner="another")
            known.append(table.get(row["id"]))

        def is_write(request: Request, row: Item = row) -> bool:
            return late and request.writes and request.names(row["id"])

        if not late:
            change()
        sent = f"wait_for_turn() of a job that {what} {'right before the write' if late else 'already'}"
        with dynamodb_proxy.before(change, is_write):
            answer = ask_to_wait(student, row, rng.uniform(2, 90))
        cause = "let the `JobConflict` of `hand_over` out: this worker has the job no longer"
        must_raise(sent, answer, "JobConflict", cause)
        if known != [table.get(row["id"])]:
            fail(
                sent=sent, expected="an unchanged row", got=plain(table.get(row["id"])), cause=cause
            )


def decision(sent: str, said: dict[str, Any], seconds: float, long: bool) -> None:
    reason = said.get("reason")
    if long:
        if not isinstance(reason, str) or not reason.strip():
            cause = "above BROKER_WAIT_SECONDS the row keeps the wait: return `Drop` with a reason"
            fail(sent=sent, expected="a `Drop` with a reason", got=said, cause=cause)
        return
    found, error = number(said.get("seconds")), said.get("error")
    name = error.get("__type__") if isinstance(error, dict) else error
    if found is None or abs(found - seconds) > 1e-6 or name != "NoToken":
        cause = "up to BROKER_WAIT_SECONDS a message keeps the wait, with `seconds` unchanged"
        expected = f"RetryAfter({seconds:g}, NoToken())"
        fail(sent=sent, expected=expected, got=said, cause=cause)


def on_row(sent: str, row: Item, before: Item, due: float) -> None:
    if row.get("status") != "processing" or "lease_owner" in row:
        got = plain({name: row.get(name) for name in ("status", "lease_owner")})
        cause = (
            "end the lease with `hand_over`: otherwise the step's next message finds the job taken"
        )
        fail(sent=sent, expected="a job in processing without a lease", got=got, cause=cause)
    if plain(row.get("waiting")) != {"number": 3, "arguments": [before["document"]]}:
        cause = "pass `waiting` to `hand_over`: the outbox sends the step's message with it"
        fail(sent=sent, expected="`waiting` on the row", got=plain(row.get("waiting")), cause=cause)
    counts = {name: plain(row.get(name)) for name in ("failures", "deliveries")}
    if counts != {name: plain(before.get(name)) for name in ("failures", "deliveries")}:
        cause = "a wait is no error: it uses up no attempt"
        fail(sent=sent, expected="no failed attempt is counted", got=counts, cause=cause)
    written, until_due = number(row.get("updated_at")), number(row.get("due_at"))
    after = None if written is None or until_due is None else until_due - written
    if after is None or abs(after - due) > SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"the row due {due:g} s after its write",
            got="no due time" if after is None else f"due after {after:.2f} s",
            cause="if a message keeps the wait, the row is due after `seconds` plus `redrive_seconds`. If "
            "the row keeps it, the row is due after `seconds`",
        )


def test_two_workers_under_one_rate(
    student: Student, run: Run, openai: OpenAIControl, rng: Random, emptied: None
) -> None:
    """c, g: the requests of two workers stay under the rate, and another task finds a slot meanwhile."""
    env = {"PROVIDER_REQUESTS_PER_SECOND": str(RATE), "PROVIDER_BURST": "1", "LEASE_SECONDS": "60"}
    env["WORKER_CONCURRENCY"] = "1"
    workers = [student.launch_worker(f"limited{number}", env) for number in (1, 2)]
    for worker in workers:
        student.await_worker(worker)
    jobs = [submit(student, run, rng, urgent=False) for _ in range(JOBS)]
    table = JobsTable(run)

    def status(job_id: str) -> str:
        return str((table.get(job_id) or {}).get("status"))

    until(lambda: all(status(one) in ("completed", "failed") for one in jobs), DONE_SECONDS)
    found = {one: status(one) for one in jobs}
    rows = [table.get(one) or {} for one in jobs]
    for worker in workers:
        worker.kill()
    sent = f"{JOBS} jobs, two workers, PROVIDER_REQUESTS_PER_SECOND {RATE:g}, PROVIDER_BURST 1"
    log = workers[0].tail()
    if set(found.values()) != {"completed"}:
        fail(sent=sent, expected="all are completed", got=sorted(found.values()), log=log)
    failures = [plain(row.get("failures")) for row in rows if row.get("failures")]
    if failures:
        cause = "a wait is no error"
        fail(sent=sent, expected="no failed attempt", got=failures, cause=cause, log=log)
    journal = openai.journal("embeddings")
    if missing := [one for one in jobs if not any(one in " ".join(e.inputs) for e in journal)]:
        got = f"none about {len(missing)} of them"
        fail(sent=sent, expected="requests about all jobs, under the given key", got=got, log=log)
    starts = sorted(entry.started for entry in journal)
    for first, start in enumerate(starts):
        for count, last in enumerate(starts[first:], 1):
            if count > 1 + RATE * (last - start + ON_THE_WAY_SECONDS):
                got = f"{count} requests within {last - start:.2f} s"
                cause = "all workers share one bucket, and each request needs a token"
                fail(
                    sent=sent,
                    expected=f"a burst of 1, then one each {1 / RATE:g} s",
                    got=got,
                    cause=cause,
                    log=log,
                )


def test_a_wait_holds_no_slot(student: Student, run: Run, rng: Random, emptied: None) -> None:
    """g: while jobs wait for tokens, the only slot of the worker runs another task."""
    env = {"PROVIDER_REQUESTS_PER_SECOND": "0.05", "PROVIDER_BURST": "1", "LEASE_SECONDS": "60"}
    worker = student.start_worker("one-slot", {**env, "WORKER_CONCURRENCY": "1"})
    jobs = [submit(student, run, rng, urgent=False) for _ in range(3)]
    table = JobsTable(run)

    def free(job_id: str) -> bool:
        row = table.get(job_id) or {}
        return "waiting" in row and "lease_owner" not in row

    waiting = until(lambda: sum(map(free, jobs)) >= 2, 15.0)
    sent = "three jobs, a bucket with one token, and a worker with one slot"
    if not waiting:
        cause = "hand the row over, so that the job waits without a worker"
        expected = "two jobs that wait, and have no lease"
        fail(sent=sent, expected=expected, got="not within 15 s", cause=cause, log=worker.tail())
    task = student.call("pipeline.producer", "enqueue_later", "Tides", 0)
    done = until(lambda: broker.ended_anywhere(run, str(task)), 10.0)
    log = worker.tail()
    worker.kill()
    if not done:
        cause = "a step that waits must not sleep in the worker"
        expected = "another task runs meanwhile"
        fail(sent=sent, expected=expected, got="not within 10 s", cause=cause, log=log)
