"""How week 3's graders upload documents and wait for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.sdk import Api, Run, Worker, database, fail, until
from autograder.sdk.documents import Document
from autograder.week03_pipeline import index_rows

PIPELINE = "pipeline.tasks.document_pipeline"
STEPS = ["parse", "chunk", "embed", "index"]
DONE_SECONDS = 20.0

Status = dict[str, Any]


def upload(api: Api, made: Document) -> Status:
    """Upload a document, and return the answer of the API (week 2's reference)."""
    response = api.post("/documents/upload", files={"file": (made.name, made.content)})
    if response.status_code != 202:
        fail(
            sent=f"POST /documents/upload with {made.name}",
            expected="202",
            got=f"{response.status_code}: {response.text[:300]}",
            log=api.tail(),
        )
    answer: Status = api.json(response)
    return answer


def status_of(api: Api, document_id: str) -> Status:
    response = api.get(f"/tasks/{document_id}")
    status = api.json(response)
    if response.status_code != 200 or not isinstance(status, dict):
        fail(
            sent=f"GET /tasks/{document_id}",
            expected="200 and the document's status",
            got=f"{response.status_code}: {response.text[:300]}",
            cause="store progress under the document's id, with a step's name and a whole percentage",
            log=api.tail(),
        )
    return status


def status_when(
    api: Api, document_id: str, when: Callable[[Status], bool], seconds: float = DONE_SECONDS
) -> Status:
    """The status as soon as `when` holds, or the last status at the deadline."""

    def look() -> Status | None:
        status = status_of(api, document_id)
        return status if when(status) else None

    return until(look, seconds) or status_of(api, document_id)


def ended(status: Status) -> bool:
    return status["status"] in ("completed", "failed")


def step_of(status: Status) -> str:
    return str((status["progress"] or {}).get("step"))


def check_result(sent: str, run: Run, status: Status, made: Document, worker: Worker) -> None:
    if status["status"] != "completed":
        fail(
            sent=sent,
            expected=f"completed within {DONE_SECONDS:g} s",
            got=f"{status['status']}: {status['error'] or status['progress']}",
            cause=why_not_completed(run, status),
            log=worker.tail(),
        )
    document_id = status["task_id"]
    chunks = len(index_rows.chunks_of(run, document_id))
    expected = {"document_id": document_id, "pages": len(made.pages), "chunks": chunks}
    if status["result"] != expected or not chunks:
        fail(
            sent=sent,
            expected=f"the result of the last step: {expected}",
            got=status["result"],
            cause="the document's id is the id of the first task, so the result of the last step "
            "must be stored under it",
        )


def why_not_completed(run: Run, status: Status) -> str:
    if status["status"] == "failed":
        return "one of the steps raised an error: the worker's log says which"
    if database.filename_of(run, status["task_id"]):
        return "the document is indexed, but nothing ended under its id: use `self.replace`"
    return "a task that waits for other tasks holds a slot that they need"
