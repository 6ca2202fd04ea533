"""4.6 with a real worker: a job that Redis knew nothing of, copies of messages, a cancelled job."""

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
RESENT = "every message of jobs that have ended comes once more"


def ended(table: JobsTable, job_id: str) -> Item:
    """The row once the job has ended, or as it is when it has had time enough."""

    def look() -> Item | None:
        row = table.get(job_id)
        return row if row is not None and row["status"] in FINISHED else None

    return until(look, DONE_SECONDS) or table.get(job_id) or {}


def in_order(code: Code, run: Run) -> None:
    """Wait until the one slot has done all that was in the queue: a task of no job comes last."""
    answer = code.ask("pipeline.producer", "enqueue_articles", ["the last one"])
    ids = answer.value if answer.ok and isinstance(answer.value, list) else []
    if not ids or not until(lambda: broker.result(run, str(ids[0])), DONE_SECONDS):
        fail(
            sent="a task that belongs to no job (week 1's), behind the messages of jobs",
            expected="its result",
            got=answer.message or f"none within {DONE_SECONDS:g} s",
            cause="the worker is stuck, or has died: see its log",
        )


def test_all_the_way(
    late_worker: LateWorker,
    code: Code,
    run: Run,
    table: JobsTable,
    openai: OpenAIControl,
    rng: Random,
) -> None:
    """Accepted while Redis was stopped; now it is back, and the job is due."""
    worker: Worker = late_worker.ready()
    job_id: str = late_worker.job_id
    table.change(job_id, due_at=moment(-1))  # PUBLISH_SECONDS have gone by
    sent = "an upload while Redis was stopped (202); then Redis is back, with a worker"
    row = ended(table, job_id)
    if row.get("status") != "completed":
        fail(
            sent=sent,
            expected=f"the job completed within {DONE_SECONDS:g} s",
            got=plain({name: row.get(name) for name in SHOWN}),
            cause="the row says how far it came, the worker's log why",
            log=traceback_in(worker.recent()) or worker.tail(),
        )
    check_complete(sent, run, row)
    check_copies(code, run, table, openai, rng, row)


SHOWN = ("status", "step", "steps_done", "deliveries", "generation", "lease_owner", "error")


def check_complete(sent: str, run: Run, row: Item) -> None:
    """The row tells the whole story, and the document can be found."""
    times = [number(row["steps"].get(step, {}).get(at)) for step in STEPS for at in MOMENTS]
    facts = (row.get("steps_done"), row.get("percent"), row.get("deliveries"))
    if None in times or times != sorted(t for t in times if t is not None) or facts != (4, 100, 1):
        fail(
            sent=sent,
            expected="four steps with their times, one after the other; 100 percent; one delivery",
            got=plain(
                {name: row.get(name) for name in ("steps_done", "percent", "deliveries", "steps")}
            ),
            cause="each step is begun and ended once, and the row says so in the write that ends it",
        )
    result = json.loads(row["result"]) if isinstance(row.get("result"), str) else None
    if not isinstance(result, dict) or not database.filename_of(run, row["id"]):
        fail(sent=sent, expected="a result, and the document in the index", got=row.get("result"))


MOMENTS = ("started_at", "ended_at")


def check_copies(
    code: Code, run: Run, table: JobsTable, openai: OpenAIControl, rng: Random, row: Item
) -> None:
    """A broker may deliver twice, and late: to jobs that have ended that is nothing."""
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
                sent=f"{RESENT}: of one that is {one['status']}",
                expected="nothing happens",
                got=odd,
                cause="a message is only a hint: the row says that there is nothing to do",
            )
    if (more := len(openai.journal("embeddings")) - paid) or database.filename_of(
        run, rows[1]["id"]
    ):
        fail(sent=RESENT, expected="nothing happens", got=f"{more} embedding requests, paid for")


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
    """While the second step is at work the job is cancelled: its end is not written, and the third
    step, which costs money, never begins.
    """
    worker: Worker = late_worker.ready()
    content = text(rng)
    kept: list[Item | None] = []

    def cancel() -> None:
        (job_id,) = [one for one in table.jobs() if one not in before]
        table.cancel(job_id)
        kept.append(table.get(job_id))

    def at_its_end(request: Request) -> bool:
        """A write to a job whose second step has begun."""
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
    sent = "an upload that is cancelled while its second step is at work"
    if not kept:
        row = table.get(one.task_id) or {}
        fail(
            sent=sent,
            expected="a second step that begins, with a lease, and writes its end",
            got=plain({name: row.get(name) for name in SHOWN}),
            log=traceback_in(worker.recent()) or worker.tail(),
        )
    for _ in STEPS[2:]:  # what a step has sent on comes before the next round's last task
        in_order(code, run)
    if odd := changed(kept[0] or {}, table.get(one.task_id)):
        fail(
            sent=sent,
            expected="it stays cancelled, and nobody writes any more",
            got=odd,
            cause="the end of a step is written in the generation of whoever has the job, and only "
            "while it is in processing",
        )
    if openai.journal("embeddings") or database.filename_of(run, one.task_id):
        fail(
            sent=sent,
            expected="no third step",
            got="its chunks were embedded, and paid for",
            cause="a step begins only for a job that is in processing",
        )
