"""4.6 with a real worker: a job accepted without Redis, copies of messages, a cancelled job."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from autograder.sdk import (
    CheckFailed,
    OpenAIControl,
    Run,
    Worker,
    broker,
    database,
    fail,
    failure_card,
    until,
)
from autograder.sdk.answers import Code, changed, number, plain
from autograder.sdk.api_log import traceback_in
from autograder.sdk.blobs import write_below
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import FINISHED, STEPS, Item, JobsTable, job, moment
from autograder.sdk.submitting import text
from autograder.sdk.uploading import accepted, upload
from autograder.week04_job_state.conftest import LateWorker
from autograder.week04_job_state.job_checks import blob_key

pytestmark = pytest.mark.item("4.6")

TASKS = "pipeline.tasks.document_pipeline"
STEP_TASKS = ("parse_document", "chunk_document", "embed_chunks", "index_document")
DONE_SECONDS = 25.0
RESENT = "every message of jobs that have ended is delivered again"


def ended(table: JobsTable, job_id: str) -> Item:
    """Return the row once the job has ended, or as it is after DONE_SECONDS."""

    def look() -> Item | None:
        row = table.get(job_id)
        return row if row is not None and row["status"] in FINISHED else None

    return until(look, DONE_SECONDS) or table.get(job_id) or {}


def in_order(code: Code, run: Run) -> None:
    """Wait until the worker has done everything in the queue, by a last task that has no job."""
    answer = code.ask("pipeline.producer", "enqueue_articles", ["the last one"])
    ids = answer.value if answer.ok and isinstance(answer.value, list) else []
    if not ids or not until(lambda: broker.result(run, str(ids[0])), DONE_SECONDS):
        fail(
            sent="a task of week 1, which belongs to no job, behind the messages of jobs",
            expected="the result of this task",
            got=answer.message or f"no result within {DONE_SECONDS:g} s",
            cause="the worker hangs or has died: its log says why",
        )


def test_all_the_way(
    late_worker: LateWorker,
    code: Code,
    run: Run,
    table: JobsTable,
    openai: OpenAIControl,
    rng: Random,
) -> None:
    """A job that was accepted while Redis was stopped is completed once Redis is back."""
    worker: Worker = late_worker.ready()
    job_id: str = late_worker.job_id
    table.change(job_id, due_at=moment(-1))  # PUBLISH_SECONDS have gone by
    sent = "an upload while Redis is stopped (202); then Redis and a worker start"
    row = ended(table, job_id)
    if row.get("status") != "completed":
        fail(
            sent=sent,
            expected=f"a job that is completed within {DONE_SECONDS:g} s",
            got=plain({name: row.get(name) for name in SHOWN}),
            cause="the row above says which step was the last one, and the worker's log says why "
            "it did not go on",
            log=traceback_in(worker.recent()) or worker.tail(),
        )
    check_complete(sent, run, row)
    check_copies(code, run, table, openai, rng, row)


SHOWN = ("status", "step", "steps_done", "deliveries", "generation", "lease_owner", "error")


def check_complete(sent: str, run: Run, row: Item) -> None:
    """The row holds all steps with their times, and the document is in the index."""
    times = [number(row["steps"].get(step, {}).get(at)) for step in STEPS for at in MOMENTS]
    facts = (row.get("steps_done"), row.get("percent"), row.get("deliveries"))
    if None in times or times != sorted(t for t in times if t is not None) or facts != (4, 100, 1):
        fail(
            sent=sent,
            expected="four steps with their times, one after the other; 100 percent; one delivery",
            got=plain(
                {name: row.get(name) for name in ("steps_done", "percent", "deliveries", "steps")}
            ),
            cause="each step must begin once and end once, and write its time when it does",
        )
    result = json.loads(row["result"]) if isinstance(row.get("result"), str) else None
    if not isinstance(result, dict) or not database.filename_of(run, row["id"]):
        fail(
            sent=sent,
            expected="a result in the row, and the document in the index",
            got=row.get("result"),
            cause="the last step passes the result in `more`. Write it along with the end",
        )


MOMENTS = ("started_at", "ended_at")


def check_copies(
    code: Code, run: Run, table: JobsTable, openai: OpenAIControl, rng: Random, row: Item
) -> None:
    """Late copies of messages do nothing to jobs that have ended."""
    paid = len(openai.journal("embeddings"))
    content = text(rng)
    write_below(run.blob_folder, blob_key(content), content)
    rows = [row]
    for state in ("cancelled", "failed"):
        one = job(rng, state)
        one["document"] |= {"blob_key": blob_key(content)}
        table.put(one)
        rows.append(one)
    for one in rows:
        send(code, "ingest_document.apply_async", args=[one["document"]], task_id=one["id"])
        for task in STEP_TASKS:
            send(code, f"{task}.apply_async", args=[one["document"]])
    in_order(code, run)
    for one in rows:
        if odd := changed(one, table.get(one["id"])):
            fail(
                sent=f"{RESENT}; this job is {one['status']}",
                expected="an unchanged row",
                got=odd,
                cause="a broker can deliver a message twice. `acquire` and `begin_step` must "
                "reject a job that has ended",
            )
    if (more := len(openai.journal("embeddings")) - paid) or database.filename_of(
        run, rows[1]["id"]
    ):
        fail(
            sent=RESENT,
            expected="no step runs",
            got=f"{more} embedding requests, which cost money",
            cause="`acquire` and `begin_step` must reject a job that has ended",
        )


def send(code: Code, name: str, *args: Any, **kwargs: Any) -> None:
    answer = code.ask(TASKS, name, *args, **kwargs)
    if not answer.ok:
        raise CheckFailed(failure_card(f"{name}()", answer))


def test_cancelled_half_way(
    late_worker: LateWorker,
    code: Code,
    run: Run,
    table: JobsTable,
    dynamodb_proxy: DynamoDBProxy,
    openai: OpenAIControl,
    rng: Random,
) -> None:
    """A job is cancelled while its second step runs.

    The end of this step is not written, and the third step, which costs money, never begins.
    """
    worker: Worker = late_worker.ready()
    content = text(rng)
    kept: list[Item | None] = []

    def cancel() -> None:
        (job_id,) = [one for one in table.jobs() if one not in before]
        table.cancel(job_id)
        kept.append(table.get(job_id))

    def at_its_end(request: Request) -> bool:
        """Whether this is a write to a job whose second step has begun."""
        if not request.writes:
            return False
        rows = [one for job_id, one in table.jobs().items() if job_id not in before]
        return any(
            one.get("step") == STEPS[1] and one.get("lease_owner") and request.names(one["id"])
            for one in rows
        )

    before = set(table.jobs())
    with dynamodb_proxy.before(cancel, at_its_end):
        one = accepted(late_worker.api, upload(late_worker.api, content, "keeper.txt"), "an upload")
        until(lambda: kept or not worker.alive, DONE_SECONDS)
    sent = "an upload whose job is cancelled while its second step runs"
    if not kept:
        row = table.get(one.task_id) or {}
        fail(
            sent=sent,
            expected="a second step that begins with a lease, and writes its end",
            got=plain({name: row.get(name) for name in SHOWN}),
            cause="the job stopped before its second step: the worker's log says why",
            log=traceback_in(worker.recent()) or worker.tail(),
        )
    for _ in STEPS[2:]:  # what a step publishes comes before the last task of the next round
        in_order(code, run)
    if odd := changed(kept[0] or {}, table.get(one.task_id)):
        fail(
            sent=sent,
            expected="a job that stays cancelled, with an unchanged row",
            got=odd,
            cause="the end of a step may be written only while the job is in processing: use "
            "`move` and `hand_over`, which check that",
        )
    if openai.journal("embeddings") or database.filename_of(run, one.task_id):
        fail(
            sent=sent,
            expected="no third step",
            got="the third step ran: its chunks were embedded, which costs money",
            cause="a step may begin only if the job is in processing. Put that into the condition "
            "of `begin_step`",
        )
