"""3.5: four steps as tasks, references between them, progress under the document's id, a result."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from autograder.sdk import (
    Api,
    OpenAIControl,
    Run,
    Student,
    Worker,
    blobs,
    broker,
    database,
    fail,
    until,
)
from autograder.sdk.api_log import traceback_in
from autograder.sdk.documents import Document, document, random_document, random_pages, words_of
from autograder.week03_pipeline import files, index_rows
from autograder.week03_pipeline.conftest import SLOTS
from autograder.week03_pipeline.files import made_up
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
PERCENT = {"parse": 0, "chunk": 40, "embed": 50, "index": 80}
"""What the given steps report."""
DONE_SECONDS = 20.0
COPY_SECONDS = 8.0
MOST_CHARACTERS = 20_000
"""A message with references has a tenth of this. Ten vectors have fifteen times as much."""

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
    sent_tasks = {command.task for command in watch.commands}
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


def test_progress_after_another_state(
    student: Student, run: Run, api: Api, worker: Worker, rng: Random
) -> None:
    """b: for one document no state is stored, and for another one an error, because its file was missing."""
    new, failed, file = made_up(rng, 3)
    made = document("txt", random_pages(rng, 1, 30), file)
    reference = upload(api, made)["document"]
    gone = {**reference, "blob_key": f"uploads/{rng.getrandbits(256):064x}"}
    begin(student, run, {**gone, "document_id": failed})
    for document_id, state in ((new, "none"), (failed, "FAILURE, and its info an exception")):
        with Watch(run) as watch:
            begin(student, run, {**reference, "document_id": document_id})
            watch.settled(document_id, "index")
        found = list(dict.fromkeys(step for step, _ in watch.progress(document_id)))
        if found != STEPS:
            fail(
                sent=f"a document whose stored state is {state}",
                expected=f"progress through the steps {STEPS}",
                got=found or "no progress",
                cause="the stored info has a percentage only if the state is PROGRESS: in every other "
                "state, store",
                log=worker.tail(),
            )


def begin(student: Student, run: Run, reference: dict[str, Any]) -> None:
    """Send a document's message, and wait until a result or an error is stored under its id."""
    document_id = reference["document_id"]
    options = {"args": [reference], "task_id": document_id}
    student.call(PIPELINE, "ingest_document.apply_async", **options)
    until(lambda: broker.ended_anywhere(run, document_id), DONE_SECONDS)


def test_a_step_that_runs_again(
    student: Student, run: Run, api: Api, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """c, d, e: the grader calls steps in a process that has done no work of this document yet."""
    made = random_document(rng, "md", 1, 60)
    answer = upload(api, made)
    status = status_when(api, answer["task_id"], ended)
    check_result(f"upload of {made.name}", run, status, made, worker)
    paid = len(openai.journal("embeddings"))
    reference = answer["document"]
    for step in ("parse_document", "chunk_document", "embed_chunks"):
        reference = run_step(student, step, reference, "a second time, in another process")
    check_requests(openai, paid, "embed_chunks, a second time, in another process")
    key = str(reference.get("embeddings_key"))
    if key not in blobs.stored(run):
        fail(sent="embed_chunks, a second time", expected="the key of its artifact", got=key)
    delete_blob(student, key)
    run_step(student, "embed_chunks", reference, "after its artifact was deleted")
    check_requests(openai, paid + 1, "embed_chunks, after its artifact was deleted")
    check_stored(run, key, "embed_chunks, after its artifact was deleted")


def test_an_artifact_of_another_file(
    student: Student, run: Run, api: Api, worker: Worker, rng: Random
) -> None:
    """c, d: another input has another key. Where its artifact cannot be stored, the step must fail."""
    first, second = (document("txt", random_pages(rng, 1, 30), name) for name in made_up(rng, 2))
    references = [upload(api, one)["document"] for one in (first, second)]
    for one in references:
        status_when(api, one["document_id"], ended)
    other = {**references[0], "blob_key": references[1]["blob_key"]}
    found = run_step(student, "parse_document", other, "with another file of the same document")
    sent = "parse_document, with another file of the same document"
    check_stored(run, str(found.get("pages_key")), sent)
    [fresh] = made_up(rng, 1)
    in_the_way = f"artifacts/{fresh}"
    assert blobs.write_below(run.blob_folder, in_the_way, b"")
    answer = student.ask(PIPELINE, "parse_document", {**other, "document_id": fresh}, timeout=20.0)
    if answer.ok:
        fail(
            sent="parse_document, while the blob store cannot store its artifact",
            expected="the error of the blob store",
            got=answer.value,
            cause="the error of `put` was caught, so the next step gets the key of nothing",
        )


def run_step(student: Student, step: str, reference: dict[str, Any], when: str) -> dict[str, Any]:
    """Call a step like a function, and return its reference."""
    answer = student.ask(PIPELINE, step, reference, timeout=20.0)
    if not answer.ok or not isinstance(answer.value, dict):
        fail(
            sent=f"{step}, {when}",
            expected="the reference, with one more key",
            got=answer.value if answer.ok else f"{answer.error}: {answer.message} ({answer.where})",
            cause="`stored` must return the key, whether the blob existed or not",
        )
    return answer.value


def check_requests(openai: OpenAIControl, expected: int, sent: str) -> None:
    """Check how many requests for embeddings there were so far."""
    found = len(openai.journal("embeddings"))
    if found != expected:
        fail(
            sent=sent,
            expected=f"{expected} requests to the provider in total",
            got=f"{found} requests",
            cause="ask the blob store whether the artifact exists: what this process has recorded says "
            "nothing about other processes, or about blobs that were deleted"
            if found > expected
            else "the artifact does not exist, so the work must be done again",
        )


def check_stored(run: Run, key: str, sent: str) -> None:
    if key not in blobs.stored(run):
        fail(
            sent=sent,
            expected="an artifact under the key that the step returned",
            got=f"no blob {key}",
            cause="the artifact exists only if a blob has exactly this key",
        )


def delete_blob(student: Student, key: str) -> None:
    """Delete a blob by the given code of week 2."""
    store = "__import__('pipeline.storage', fromlist=['blob_store']).blob_store()"
    student.call("builtins", "eval", f"{store}.delete({key!r})")
