"""The four steps as Celery tasks. Each passes a reference to the next: keys of blobs, never contents.

A reference begins as the document's own (`document_id`, `owner`, `blob_key`, `filename`,
`content_type`). Each step adds the key of the blob that it has made: `pages_key`, `chunks_key`,
`embeddings_key`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import chain
from celery.utils.log import get_task_logger
from kombu.utils.imports import symbol_by_name

from pipeline.documents import DocumentRef
from pipeline.states import PROGRESS
from pipeline.steps import progress
from pipeline.steps.artifacts import artifact_key, load_json, load_vectors, pack_json, pack_vectors
from pipeline.steps.chunk import MAX_CHARS, OVERLAP, chunk_pages
from pipeline.steps.embed import embed_texts, embedding_model
from pipeline.steps.index import index_document as write_index
from pipeline.storage import blob_store
from pipeline.tasks.celery_config import app
from pipeline.wiring import PARSER, RESULTS_ARE_THE_RECORD, PipelineTask

logger = get_task_logger(__name__)

Reference = dict[str, Any]

PERCENT = {"parse": 0, "chunk": 40, "embed": 50, "index": 80}
"""How much of a document's work is done when a step begins."""

TIME_LIMITS = {"soft_time_limit": 900, "time_limit": 960}
"""The most seconds that a step may take. At the soft limit the step gets an exception, and at the hard
limit its process is killed. Both are below the visibility timeout (3,600 s), so Redis does not redeliver
the message while the step runs."""


def report(task: PipelineTask, document_id: str, step: str) -> None:
    """Store for `GET /tasks/{document_id}` that `step` begins. Given to students complete.

    A step does not depend on its progress report: if Redis rejects the report, the step runs anyway.
    From week 4 on, the job's row says which step runs, so nothing is stored here.
    """
    if not RESULTS_ARE_THE_RECORD:
        return
    try:
        _report(task, document_id, {"step": step, "percent": PERCENT[step]})
    except Exception:
        logger.warning("progress was not reported", exc_info=True)


def _report(task: PipelineTask, document_id: str, meta: dict[str, Any]) -> None:
    """Store one progress report in the result backend, under the document's id.

    Args:
        task: the step that reports.
        document_id: the id that clients ask for.
        meta: `{"step": "embed", "percent": 50}`.
    """
    # TODO 3.5:
    #   a) Store the state `PROGRESS` with `meta` under the document's id by `task.update_state`.
    #      The step itself runs under another task id, which no client knows.
    #   b) Read the stored state first: `app.AsyncResult(document_id)` has `state`, and `info` is
    #      the stored `meta`. If it is `PROGRESS` with a higher percentage, store nothing. A message
    #      can be delivered twice, so a late copy of an early step may run after a later step. In
    #      another state `info` can be None or an exception: then store.
    raise NotImplementedError("3.5")


def stored(key: str, make: Callable[[], bytes]) -> str:
    """Make sure that the step's artifact is in the blob store.

    Args:
        key: the key of the artifact. It depends on everything that the step reads.
        make: does the work of the step and returns the bytes of the artifact.

    Returns:
        The key.
    """
    # TODO 3.5:
    #   c) If a blob exists under `key`, an earlier run has done the same work. Do not call
    #      `make()`, so that a step that runs again costs nothing. `blob_store()` has `exists(key)`.
    #   d) If no blob exists, call `make()` once and store its result: `blob_store().put(key,
    #      data)`. Let errors of the store through.
    #   e) Return the key in both cases.
    raise NotImplementedError("3.5")


@app.task(bind=True, name="pipeline.parse_document", **TIME_LIMITS)
def parse_document(self: PipelineTask, ref: Reference) -> Reference:
    """Step 1: turn the uploaded file into pages. Adds `pages_key` to the reference."""
    report(self, ref["document_id"], "parse")

    def make() -> bytes:
        parse = symbol_by_name(PARSER)
        with blob_store().open(ref["blob_key"]) as document:
            return pack_json(parse(document, ref["content_type"]))

    made_by = {"type": ref["content_type"], "parser": PARSER}
    key = artifact_key(ref["document_id"], "parse", ref["blob_key"], **made_by)
    return {**ref, "pages_key": stored(key, make)}


@app.task(bind=True, name="pipeline.chunk_document", **TIME_LIMITS)
def chunk_document(self: PipelineTask, ref: Reference) -> Reference:
    """Step 2: turn pages into chunks. Adds `chunks_key` to the reference."""
    report(self, ref["document_id"], "chunk")

    def make() -> bytes:
        return pack_json(chunk_pages(load_json(ref["pages_key"]), MAX_CHARS, OVERLAP))

    sizes = {"max_chars": MAX_CHARS, "overlap": OVERLAP}
    key = artifact_key(ref["document_id"], "chunk", ref["pages_key"], **sizes)
    return {**ref, "chunks_key": stored(key, make)}


@app.task(bind=True, name="pipeline.embed_chunks", **TIME_LIMITS)
def embed_chunks(self: PipelineTask, ref: Reference) -> Reference:
    """Step 3: turn chunks into vectors. Adds `embeddings_key`. Only this step costs money."""
    report(self, ref["document_id"], "embed")

    def make() -> bytes:
        texts = [chunk["text"] for chunk in load_json(ref["chunks_key"])]
        progress.expect(len(set(texts)))
        return pack_vectors(embed_texts(texts))

    key = artifact_key(ref["document_id"], "embed", ref["chunks_key"], model=embedding_model())
    return {**ref, "embeddings_key": stored(key, make)}


@app.task(bind=True, name="pipeline.index_document", **TIME_LIMITS)
def index_document(self: PipelineTask, ref: Reference) -> dict[str, Any]:
    """Step 4: write the rows that a search finds.

    Returns `{"document_id": …, "pages": 3, "chunks": 12}`, which is the result of the document.
    """
    report(self, ref["document_id"], "index")
    chunks = load_json(ref["chunks_key"])
    vectors = load_vectors(ref["embeddings_key"])
    document = DocumentRef(**ref)
    count = write_index(document.document_id, document.owner, document.filename, chunks, vectors)
    pages = len(load_json(ref["pages_key"]))
    logger.info("indexed %s: %d pages, %d chunks", ref["document_id"], pages, count)
    return {"document_id": ref["document_id"], "pages": pages, "chunks": count}


@app.task(bind=True, name="pipeline.ingest_document")
def ingest_document(self: PipelineTask, ref: Reference) -> Any:
    """Take a new document and pass it to the four steps.

    The document's id is the id of this task, so clients find progress, result and error under it.

    Args:
        self: the task, which `bind=True` passes in.
        ref: the reference of the document.

    Returns:
        Nothing of its own: the result of this task is what the last step returns.
    """
    # TODO 3.5:
    #   f) Build a chain of the four steps. The first gets `ref`, and each later step gets what the
    #      step before it returned.
    #   g) Replace this task by the chain, so that the result or the error of the last step that
    #      runs is stored under this task's id.
    #   h) Do not wait for the steps: a task that waits for other tasks holds a slot that they need.
    raise NotImplementedError("3.5")
