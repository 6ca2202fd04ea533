"""The four steps as tasks. Each hands the next a reference: where its result lies, never the result.

A reference is the document's (`document_id`, `owner`, `blob_key`, `filename`, `content_type`), and
every step adds the key of what it made: `pages_key`, `chunks_key`, `embeddings_key`.
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
"""How far a document is when a step begins."""

TIME_LIMITS = {"soft_time_limit": 900, "time_limit": 960}
"""Seconds that a step may take. At the first the step gets an exception, at the second its process is
killed. Both are below the visibility timeout (3,600 s), so no second worker gets the message meanwhile."""


def report(task: PipelineTask, document_id: str, step: str) -> None:
    """Store for `GET /tasks/{document_id}` that `step` begins. Given.

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
    # TODO 3.5: Store the state `PROGRESS` with `meta` under the document's id, because clients ask
    #   by that id. The step itself runs under another task id.
    #   A message can be delivered twice, so a late copy of the first step may run after a later
    #   step. Read the stored state first (`app.AsyncResult`), and never lower the percentage.
    raise NotImplementedError("3.5")


def stored(key: str, make: Callable[[], bytes]) -> str:
    """Make sure that the artifact lies under `key`, and return the key.

    `make()` does the work of the step and returns the artifact's bytes.
    """
    # TODO 3.5: A step that runs again after a crash or a retry must not pay for its work twice.
    #   The key depends on everything that went in. So what does it mean if a blob is there?
    raise NotImplementedError("3.5")


@app.task(bind=True, name="pipeline.parse_document", **TIME_LIMITS)
def parse_document(self: PipelineTask, ref: Reference) -> Reference:
    """Step 1: the uploaded file becomes pages. Adds `pages_key`."""
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
    """Step 2: pages become chunks. Adds `chunks_key`."""
    report(self, ref["document_id"], "chunk")

    def make() -> bytes:
        return pack_json(chunk_pages(load_json(ref["pages_key"]), MAX_CHARS, OVERLAP))

    sizes = {"max_chars": MAX_CHARS, "overlap": OVERLAP}
    key = artifact_key(ref["document_id"], "chunk", ref["pages_key"], **sizes)
    return {**ref, "chunks_key": stored(key, make)}


@app.task(bind=True, name="pipeline.embed_chunks", **TIME_LIMITS)
def embed_chunks(self: PipelineTask, ref: Reference) -> Reference:
    """Step 3: chunks become vectors. Adds `embeddings_key`. The one step that costs money."""
    report(self, ref["document_id"], "embed")

    def make() -> bytes:
        texts = [chunk["text"] for chunk in load_json(ref["chunks_key"])]
        progress.expect(len(set(texts)))
        return pack_vectors(embed_texts(texts))

    key = artifact_key(ref["document_id"], "embed", ref["chunks_key"], model=embedding_model())
    return {**ref, "embeddings_key": stored(key, make)}


@app.task(bind=True, name="pipeline.index_document", **TIME_LIMITS)
def index_document(self: PipelineTask, ref: Reference) -> dict[str, Any]:
    """Step 4: vectors can be searched. Returns `{"document_id": …, "pages": 3, "chunks": 12}`."""
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
    """Takes a new document and hands it to the four steps.

    The document's id is this task's id. What it ends with, result or error, is the chain's.
    """
    # TODO 3.5: Chain the four steps: the first gets `ref`, each later one what the one before
    #   returned.
    #   Do not wait for them here: a task that waits for tasks holds a slot that they need.
    #   Look for the way in which a task hands over its id, and so its result, to other tasks.
    raise NotImplementedError("3.5")
