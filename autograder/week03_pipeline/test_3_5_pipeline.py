"""3.5: four steps as tasks, references between them, progress that moves, a result at the end."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, OpenAIControl, Run, Student, Worker, database, fail, until
from autograder.sdk.api_log import traceback_in
from autograder.sdk.documents import Document, document, random_document, random_pages, words_of
from autograder.week03_pipeline import files, index_rows
from autograder.week03_pipeline.conftest import SLOTS
from autograder.week03_pipeline.vectors import agree, true_vectors
from autograder.week03_pipeline.watching import Watch

pytestmark = [pytest.mark.item("3.5"), pytest.mark.usefixtures("stores")]

PIPELINE = "pipeline.tasks.document_pipeline"
STEPS = ["parse", "chunk", "embed", "index"]
TASKS = [
    "pipeline.parse_document",
    "pipeline.chunk_document",
    "pipeline.embed_chunks",
    "pipeline.index_document",
]
DONE_SECONDS = 20.0
COPY_SECONDS = 8.0
MOST_CHARACTERS = 20_000
"""A message of a few references has a tenth of it; ten vectors have fifteen times as much."""

Status = dict[str, Any]


def upload(api: Api, made: Document) -> Status:
    """Upload a document: what the API answered (week 2's reference)."""
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
            cause="progress belongs under the document's id, as a step's name and a whole number",
            log=api.tail(),
        )
    return status


def status_when(
    api: Api, document_id: str, when: Callable[[Status], bool], seconds: float = DONE_SECONDS
) -> Status:
    """The status as soon as `when` holds; at the deadline, whatever it is."""

    def look() -> Status | None:
        status = status_of(api, document_id)
        return status if when(status) else None

    return until(look, seconds) or status_of(api, document_id)


def ended(status: Status) -> bool:
    return status["status"] in ("completed", "failed")


def step_of(status: Status) -> str:
    return str((status["progress"] or {}).get("step"))


def test_one_document_from_upload_to_index(
    student: Student, run: Run, api: Api, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """The index is held by a lock, so that the document can be looked at while it is on its way, and
    a late copy of its message can come.
    """
    made = random_document(rng, "pdf", 12, 40)
    sent = f"upload of {made.name}, a PDF of 12 pages"
    with Watch(run) as watch:
        with index_rows.held(run, "LOCK TABLE documents IN EXCLUSIVE MODE"):
            answer = upload(api, made)
            document_id = str(answer["task_id"])
            status = status_when(api, document_id, lambda s: ended(s) or step_of(s) == "index")
            check_on_its_way(sent, status, watch, document_id, worker)
            resend(student, run, answer["document"])
            status = status_of(api, document_id)
            check_progress(f"{sent}; then a late copy of its message", watch, document_id)
            if step_of(status) != "index":
                fail(
                    sent=f"{sent}; a late copy of its message while it is indexed",
                    expected="a document that is still at the step index",
                    got=status,
                    cause="the copy's first steps pulled it back: look at what is known first",
                )
        status = status_when(api, document_id, ended)
    check_result(sent, run, status, made, worker)
    check_index(sent, run, document_id, made)
    check_paid_once(sent, openai)
    check_messages(sent, watch)
    check_references(sent, watch, made)


def check_on_its_way(
    sent: str, status: Status, watch: Watch, document_id: str, worker: Worker
) -> None:
    """While nothing can be indexed, the document is at the step index."""
    watch.settled(document_id, "index")
    if status["status"] == "failed":
        fail(
            sent=sent,
            expected="a document that is processed",
            got=f"failed: {status['error']}",
            cause="one of the steps raised",
            log=traceback_in(worker.recent()) or worker.tail(),
        )
    if ended(status):
        fail(
            sent=f"{sent}, while the index is locked by somebody else",
            expected="a document that is not completed before it is indexed",
            got=status,
            cause="the steps were started, and the first task ended by itself with an id that is "
            "now nobody's: hand the id on to the steps (`replace`)",
        )
    if step_of(status) != "index":
        fail(
            sent=sent,
            expected="GET /tasks/{id} shows the steps, up to index",
            got=f"{status['status']}, progress {status['progress']}",
            cause="progress was stored under the step's own id and not the document's, or a step "
            "waits for another that has no slot",
            log=worker.tail(),
        )
    check_progress(sent, watch, document_id)


def check_progress(sent: str, watch: Watch, document_id: str) -> None:
    """Every step was shown, in order, and the percent never fell."""
    found = watch.progress(document_id)
    steps = list(dict.fromkeys(step for step, _ in found))
    if steps != STEPS:
        fail(
            sent=sent,
            expected=f"progress through the steps {STEPS}",
            got=found,
            cause="a step does not report, or reports under its own id and not the document's, or "
            "the steps run in another order",
        )
    percents = [percent for _, percent in found]
    if percents != sorted(percents) or percents[0] < 0 or percents[-1] > 100:
        fail(
            sent=sent,
            expected="percents from 0 to 100 that never fall",
            got=found,
            cause="a message that comes twice runs the first steps again: look at what is known "
            "before you write",
        )


def resend(student: Student, run: Run, reference: dict[str, Any]) -> None:
    """Send a document's message once more, as a broker may, and see it through to the lock."""
    options = {"args": [reference], "task_id": reference["document_id"]}
    student.call(PIPELINE, "ingest_document.apply_async", **options)
    index_rows.wait_for_waiting(run, 2, seconds=COPY_SECONDS)


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
            expected=f"as the result what the last step returns: {expected}",
            got=status["result"],
            cause="the document's id is the first task's id: what the last step returns must "
            "end up under it",
        )


def why_not_completed(run: Run, status: Status) -> str:
    if status["status"] == "failed":
        return "one of the steps raised: the worker's log says which"
    if database.filename_of(run, status["task_id"]):
        return "it is indexed, but nothing ended under the document's id: hand it on to the steps"
    return "a task that waits for tasks holds a slot that they need"


def check_index(sent: str, run: Run, document_id: str, made: Document) -> None:
    """All words are in the index, on their pages, beside the right vectors."""
    rows = index_rows.chunks_of(run, document_id)
    for number, page in enumerate(made.pages, start=1):
        indexed = {word for _, on, text in rows if on == number for word in text.split()}
        if lost := [word for word in words_of(page) if word not in indexed]:
            fail(
                sent=sent,
                expected=f"all words of page {number} in the index",
                got=f"without {' '.join(lost[:8])}",
                cause="a step did not get what the one before made",
            )
    truth = true_vectors(run, [text for _, _, text in rows])
    found = index_rows.vectors_of(run, document_id)
    for (position, _, _), right, vector in zip(rows, truth, found, strict=True):
        if not agree(vector, right):
            fail(
                sent=sent,
                expected=f"at position {position} the vector of its text",
                got="another one",
                cause="chunks and vectors come from different runs, or in different orders",
            )


def check_paid_once(sent: str, openai: OpenAIControl) -> None:
    inputs = [text for entry in openai.journal("embeddings") for text in entry.inputs]
    if len(inputs) != len(set(inputs)):
        fail(
            sent=f"{sent}, and a late copy of its message",
            expected="each chunk embedded once: the artifact is there when the copy comes",
            got=f"{len(inputs)} texts sent to the provider, {len(set(inputs))} of them different",
            cause="a step that runs again does its work again: look whether its artifact is there",
        )


def check_messages(sent: str, watch: Watch) -> None:
    """Each step went through the broker as a message of its own."""
    sent_tasks = {command.task for command in watch.commands}
    if missing := [task for task in TASKS if task not in sent_tasks]:
        fail(
            sent=sent,
            expected=f"a message for each of {', '.join(TASKS)}",
            got=f"none for {', '.join(missing)}",
            cause="a step was called like a function: then it runs inside another task, and cannot "
            "be retried, or moved to another worker, by itself",
        )


def check_references(sent: str, watch: Watch, made: Document) -> None:
    """No word of the document, and nothing large, went through Redis."""
    secret = [word for word in words_of(" ".join(made.pages)) if any(c.isdigit() for c in word)]
    secret = [word.strip(".") for word in secret]
    for command in watch.commands:
        words, size = command.holds(secret), len(command.text)
        if words or size > MOST_CHARACTERS:
            fail(
                sent=sent,
                expected="messages and results that hold references: keys of the blob store",
                got=f"{command.what} of {size:,} characters"
                + (
                    f" with the document's own text in it ({', '.join(words[:4])})" if words else ""
                ),
                cause="a step returned its pages, chunks or vectors: put them into the blob store "
                "and return the key",
            )


def test_several_at_once(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """More documents than slots, and one that cannot be opened: none is in the way of another."""
    count = SLOTS + 1
    texts = [random_pages(rng, 1, 30) for _ in range(count)]
    made = [document(rng.choice(["md", "txt"]), pages, files.made_up(rng, 1)[0]) for pages in texts]
    secret = files.encrypted_pdf("nobody reads this", files.made_up(rng, 1)[0])
    ids = [upload(api, one)["task_id"] for one in made]
    locked = upload(api, Document("locked.pdf", files.PDF, secret, ()))["task_id"]
    for one, document_id in zip(made, ids, strict=True):
        sent = f"{count} documents at once to a worker with {SLOTS} slots"
        status = status_when(api, document_id, ended)
        check_result(sent, run, status, one, worker)
        check_index(sent, run, document_id, one)
    check_failure(api, run, locked, worker)


def check_failure(api: Api, run: Run, document_id: str, worker: Worker) -> None:
    """The error of the step that failed is the document's error."""
    sent = "upload of a PDF that needs a password"
    status = status_when(api, document_id, ended)
    error = status["error"] if isinstance(status["error"], dict) else {}
    if status["status"] != "failed" or error.get("type") != "encrypted_document":
        fail(
            sent=sent,
            expected="failed, with the error encrypted_document",
            got=f"{status['status']}: {status['error'] or status['result']}",
            cause="what a step ends with, an error too, must end up under the document's id",
            log=worker.tail(),
        )
    if database.filename_of(run, document_id):
        fail(sent=sent, expected="nothing indexed", got="a row in `documents`")
