"""3.5: a document or a step that runs again, and artifacts that exist or do not."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, OpenAIControl, Run, Student, Worker, blobs, broker, fail, until
from autograder.sdk.answers import must_raise
from autograder.sdk.documents import document, random_document, random_pages
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.uploads import (
    DONE_SECONDS,
    PIPELINE,
    STEPS,
    check_result,
    ended,
    status_when,
    upload,
)
from autograder.week03_pipeline.watching import Watch

pytestmark = [pytest.mark.item("3.5"), pytest.mark.usefixtures("stores")]

STEP_SECONDS = 20.0


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


def test_a_step_by_itself(
    student: Student, run: Run, api: Api, worker: Worker, rng: Random
) -> None:
    """a, c: one step runs without the others, as in a retry. An artifact without a byte is one, too."""
    [file], [document_id] = made_up(rng, 1), made_up(rng, 1)
    answer = upload(api, document("txt", random_pages(rng, 1, 30), file))
    status_when(api, answer["task_id"], ended)
    reference = {**answer["document"], "document_id": document_id}
    with Watch(run) as watch:
        key = str(run_step(student, "parse_document", reference, "by itself").get("pages_key"))
    if not (found := watch.progress(document_id)):
        fail(
            sent="parse_document, without the task that starts all steps",
            expected="its progress under the id of the document",
            got=found or "no progress under this id",
            cause="the progress is stored under the id of a task. Use the `document_id` that was passed",
        )
    delete_blob(student, key)
    assert blobs.write_below(run.blob_folder, key, b"")
    run_step(student, "parse_document", reference, "while its artifact exists and has no bytes")
    if stored := blobs.stored(run).get(key):
        fail(
            sent="parse_document, while its artifact exists and has no bytes",
            expected="an unchanged artifact",
            got=f"a new artifact of {stored} bytes",
            cause="the work was done again. Ask only whether a blob exists under the key, not for its size",
        )


def test_a_store_that_cannot_be_asked(student: Student, rng: Random) -> None:
    """d: nobody knows whether the blob exists, so the step fails and is tried again."""
    key = f"artifacts/{rng.getrandbits(64):x}"
    answer = student.ask("builtins", "exec", STORE_AWAY, {"key": key})
    student.renew()
    sent = "stored(), while the blob store raises BlobStoreUnavailable at every question"
    cause = "the error was caught. Let it through: only the store knows whether the work is done"
    must_raise(sent, answer, "BlobStoreUnavailable", cause)


STORE_AWAY = """
from pipeline.errors import BlobStoreUnavailable
from pipeline.storage import blob_store
from pipeline.tasks.document_pipeline import stored

def away(self, *args, **more):
    raise BlobStoreUnavailable

kind = type(blob_store())
for name in dir(kind):
    if callable(getattr(kind, name)) and not name.startswith("_"):
        setattr(kind, name, away)

def make():
    raise AssertionError("the work was done")

stored(key, make)
"""
"""Runs in a process of its own."""


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
    answer = student.ask(
        PIPELINE, "parse_document", {**other, "document_id": fresh}, timeout=STEP_SECONDS
    )
    if answer.ok:
        fail(
            sent="parse_document, while the blob store cannot store its artifact",
            expected="the error of the blob store",
            got=answer.value,
            cause="the error of `put` was caught, so the next step gets the key of nothing",
        )


def run_step(student: Student, step: str, reference: dict[str, Any], when: str) -> dict[str, Any]:
    """Call a step like a function, and return its reference."""
    answer = student.ask(PIPELINE, step, reference, timeout=STEP_SECONDS)
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
