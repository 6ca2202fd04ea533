"""3.5: four steps as tasks, references between them, progress under the document's id, a result.

What a submission could fake:
- counts: names of messages can be padded, so a paused worker decides: no step may begin while it takes
  no message (test_3_5_steps.py).
- witness: the index, the artifacts and the journal of the provider. Commands to Redis can be sent by
  anybody.
- place: documents are random.
- store: artifacts, index, progress and the waiting message must all agree.
- probe: a task can see in /proc that its worker is paused. Whether chunk and embed are one task is seen
  only by names of messages. This stays.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import (
    Api,
    OpenAIControl,
    Run,
    Student,
    Worker,
    database,
    fail,
)
from autograder.sdk.api_log import traceback_in
from autograder.sdk.documents import Document, document, random_document, random_pages, words_of
from autograder.week03_pipeline import files, index_rows
from autograder.week03_pipeline.conftest import SLOTS
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.uploads import (
    PIPELINE,
    STEPS,
    Status,
    check_result,
    ended,
    status_of,
    status_when,
    step_of,
    upload,
)
from autograder.week03_pipeline.vectors import agree, true_vectors
from autograder.week03_pipeline.watching import Watch

pytestmark = [pytest.mark.item("3.5"), pytest.mark.usefixtures("stores")]

TASKS = [
    "pipeline.parse_document",
    "pipeline.chunk_document",
    "pipeline.embed_chunks",
    "pipeline.index_document",
]
PERCENT = {"parse": 0, "chunk": 40, "embed": 50, "index": 80}
"""What the given steps report."""
COPY_SECONDS = 8.0
MOST_CHARACTERS = 20_000
"""A message with references has a tenth of this. Ten vectors have fifteen times as much."""


def test_one_document_from_upload_to_index(
    student: Student, run: Run, api: Api, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """a, b, c, f, g, h: a lock stops the last step. So the grader can read the progress, and deliver
    the message again.
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
            check_not_failed(f"{sent}; then a late copy of its message", status, worker)
            check_progress(f"{sent}; then a late copy of its message", watch, document_id)
            if step_of(status) != "index":
                fail(
                    sent=f"{sent}; a late copy of its message while it is indexed",
                    expected="a document that is still at the step index",
                    got=status,
                    cause="the copy's first steps lowered the progress: read the stored state first",
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
    """Check that the document is at the step index while nothing can be indexed."""
    watch.settled(document_id, "index")
    check_not_failed(sent, status, worker)
    if ended(status):
        fail(
            sent=f"{sent}, while the index is locked by somebody else",
            expected="a document that is not completed before it is indexed",
            got=status,
            cause="the task started the steps and then ended, so clients see a result too early: "
            "replace the task by the chain (`self.replace`)",
        )
    if step_of(status) != "index":
        fail(
            sent=sent,
            expected="GET /tasks/{id} shows the steps, up to index",
            got=f"{status['status']}, progress {status['progress']}",
            cause=why_not_at_the_index(status),
            log=worker.tail(),
        )
    check_progress(sent, watch, document_id)


def why_not_at_the_index(status: Status) -> str:
    """Why the last step is not shown, although the document was processed or waits."""
    if status["progress"]:
        return (
            "a later step is not stored: store it unless the stored percentage is higher. Or a task "
            "waits for a step that gets no slot"
        )
    return (
        "progress was stored under the step's own id and not under the document's, or in another state "
        "than PROGRESS, or a task waits for a step that gets no slot"
    )


def check_not_failed(sent: str, status: Status, worker: Worker) -> None:
    if status["status"] == "failed":
        fail(
            sent=sent,
            expected="a document that is processed",
            got=f"failed: {status['error']}",
            cause="one of the steps raised an error: the lines below name it",
            log=traceback_in(worker.recent()) or worker.tail(),
        )


def check_progress(sent: str, watch: Watch, document_id: str) -> None:
    """Check that every step was reported, in order, and that the percentage never fell."""
    found = watch.progress(document_id)
    steps = list(dict.fromkeys(step for step, _ in found))
    if steps != STEPS:
        fail(
            sent=sent,
            expected=f"progress through the steps {STEPS}",
            got=found,
            cause="a step does not report, or reports under its own id and not under the document's, "
            "or the steps run in another order",
        )
    if wrong := [one for one in found if one[1] != PERCENT[one[0]]]:
        fail(
            sent=sent,
            expected=f"the percentages that the steps report: {PERCENT}",
            got=wrong[0],
            cause="store `meta` as it is",
        )
    percents = [percent for _, percent in found]
    if percents != sorted(percents) or percents[0] < 0 or percents[-1] > 100:
        fail(
            sent=sent,
            expected="percents from 0 to 100 that never fall",
            got=found,
            cause="a message that is delivered twice runs the first steps again: read the stored "
            "progress before you write, and never lower it",
        )


def resend(student: Student, run: Run, reference: dict[str, Any]) -> None:
    """Send a document's message once more, as a broker may, and wait until the copy reaches the lock."""
    options = {"args": [reference], "task_id": reference["document_id"]}
    student.call(PIPELINE, "ingest_document.apply_async", **options)
    index_rows.wait_for_waiting(run, 2, seconds=COPY_SECONDS)


def check_index(sent: str, run: Run, document_id: str, made: Document) -> None:
    """Check that all words are in the index, on their pages, with the right vectors."""
    rows = index_rows.chunks_of(run, document_id)
    for number, page in enumerate(made.pages, start=1):
        indexed = {word for _, on, text in rows if on == number for word in text.split()}
        if lost := [word for word in words_of(page) if word not in indexed]:
            fail(
                sent=sent,
                expected=f"all words of page {number} in the index",
                got=f"without {' '.join(lost[:8])}",
                cause="a step did not read the artifact of the step before it",
            )
    truth = true_vectors(run, [text for _, _, text in rows])
    found = index_rows.vectors_of(run, document_id)
    for (position, _, _), right, vector in zip(rows, truth, found, strict=True):
        if not agree(vector, right):
            fail(
                sent=sent,
                expected=f"at position {position} the vector of its text",
                got="another vector",
                cause="chunks and vectors come from different runs, or in different orders",
            )


def check_paid_once(sent: str, openai: OpenAIControl) -> None:
    inputs = [text for entry in openai.journal("embeddings") for text in entry.inputs]
    if len(inputs) != len(set(inputs)):
        fail(
            sent=f"{sent}, and a late copy of its message",
            expected="each chunk embedded once, because the artifact exists when the copy runs",
            got=f"{len(inputs)} texts sent to the provider, {len(set(inputs))} of them different",
            cause="a step that runs again repeats its work: check first whether the artifact exists",
        )


def check_messages(sent: str, watch: Watch) -> None:
    """Check that each step went through the broker as a message of its own."""
    sent_tasks = watch.tasks()
    if missing := [task for task in TASKS if task not in sent_tasks]:
        fail(
            sent=sent,
            expected=f"a message for each of {', '.join(TASKS)}",
            got=f"none for {', '.join(missing)}",
            cause="a step was called like a function. Then it runs inside another task, and it cannot "
            "be retried or moved to another worker by itself",
        )


def check_references(sent: str, watch: Watch, made: Document) -> None:
    """Check that no word of the document, and nothing large, went through Redis."""
    secret = [word for word in words_of(" ".join(made.pages)) if any(c.isdigit() for c in word)]
    secret = [word.strip(".") for word in secret]
    for command in watch.commands:
        words, size = command.holds(secret), len(command.text)
        if words or size > MOST_CHARACTERS:
            fail(
                sent=sent,
                expected="messages and results that contain references: keys of the blob store",
                got=f"{command.what} of {size:,} characters"
                + (
                    f" with the document's own text in it ({', '.join(words[:4])})" if words else ""
                ),
                cause="a step returned its pages, chunks or vectors: store them in the blob store, "
                "and return the key",
            )


def test_several_at_once(run: Run, api: Api, worker: Worker, rng: Random) -> None:
    """g, h: more documents than slots, and one that cannot be opened. Each must end as it should."""
    count = SLOTS + 1
    texts = [random_pages(rng, 1, 30) for _ in range(count)]
    made = [document(rng.choice(["md", "txt"]), pages, made_up(rng, 1)[0]) for pages in texts]
    secret = files.encrypted_pdf("a locked text", made_up(rng, 1)[0])
    ids = [upload(api, one)["task_id"] for one in made]
    locked = upload(api, Document("locked.pdf", files.PDF, secret, ()))["task_id"]
    for one, document_id in zip(made, ids, strict=True):
        sent = f"{count} documents at once to a worker with {SLOTS} slots"
        status = status_when(api, document_id, ended)
        check_result(sent, run, status, one, worker)
        check_index(sent, run, document_id, one)
    check_failure(api, run, locked, worker)


def check_failure(api: Api, run: Run, document_id: str, worker: Worker) -> None:
    """Check that the error of the step that failed is the error of the document."""
    sent = "upload of a PDF that needs a password"
    status = status_when(api, document_id, ended)
    error = status["error"] if isinstance(status["error"], dict) else {}
    if status["status"] != "failed" or error.get("type") != "encrypted_document":
        fail(
            sent=sent,
            expected="failed, with the error encrypted_document",
            got=f"{status['status']}: {status['error'] or status['result']}",
            cause="the result or the error of a step must be stored under the document's id",
            log=worker.tail(),
        )
    if database.filename_of(run, document_id):
        fail(sent=sent, expected="nothing indexed", got="a row in `documents`")
