"""Week 2's work on a document: measure it, and say how far it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypedDict

from celery.utils.log import get_task_logger

from pipeline.documents import MARKDOWN, TEXT, DocumentRef
from pipeline.states import PROGRESS
from pipeline.storage import blob_store
from pipeline.tasks.celery_config import app
from pipeline.wiring import PipelineTask

logger = get_task_logger(__name__)

PIECE_BYTES = 64 * 1024
REPORT_EVERY = 10
"""Percent between two reports. Each is a write to Redis: a report per piece helps nobody."""


class DocumentFacts(TypedDict):
    """The result of `process_document`."""

    document_id: str
    filename: str
    content_type: str
    size: int
    """Bytes."""
    sha256: str
    lines: int | None
    """None where the content is not text."""
    words: int | None


class Tally:
    """Counts what passes through, piece by piece."""

    def __init__(self) -> None:
        self.size = self.words = self.newlines = 0
        self._digest = hashlib.sha256()
        self._in_word = False
        self._last = b""

    def add(self, piece: bytes) -> None:
        """Take one more piece. A word that two pieces share counts once."""
        self.size += len(piece)
        self._digest.update(piece)
        self.newlines += piece.count(b"\n")
        self.words += len(piece.split()) - (self._in_word and not piece[:1].isspace())
        self._in_word = not piece[-1:].isspace()
        self._last = piece[-1:]

    @property
    def lines(self) -> int:
        """A last line without a line break counts too."""
        return self.newlines + (self._last not in (b"", b"\n"))

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@dataclass
class Reporter:
    """Tells the result backend how far a task is."""

    task: PipelineTask
    percent: int = -REPORT_EVERY
    """What was reported last."""

    def report(self, step: str, done: int, total: int) -> None:
        """Say that `done` of `total` bytes are through, if that is news. Given.

        Progress is a courtesy: if Redis does not take it, the document is processed all the same.
        """
        try:
            self._report(step, done, total)
        except Exception:
            logger.warning("progress was not reported", exc_info=True)

    def _report(self, step: str, done: int, total: int) -> None:
        # TODO 2.3: Store the custom state `PROGRESS` for this task, with the step's name and the
        #   percent done, a whole number from 0 to 100. Empty work is done work.
        #   Report when it has moved on by `REPORT_EVERY`, and at the end. It never goes back.
        raise NotImplementedError("2.3")


@app.task(bind=True, name="pipeline.process_document")
def process_document(self: PipelineTask, document: dict[str, Any]) -> DocumentFacts:
    """Read a stored document piece by piece and count. `document` is a `DocumentRef` as message.

    Raises:
        BlobNotFound: the document is no longer in the blob store.
        BlobStoreUnavailable: the blob store cannot be reached.
    """
    reference = DocumentRef(**document)
    store, tally, reporter = blob_store(), Tally(), Reporter(self)
    total = store.size(reference.blob_key)
    reporter.report("counting", 0, total)
    with store.open(reference.blob_key) as blob:
        while piece := blob.read(PIECE_BYTES):
            tally.add(piece)
            reporter.report("counting", tally.size, total)
    is_text = reference.content_type in {MARKDOWN, TEXT}
    return {
        "document_id": reference.document_id,
        "filename": reference.filename,
        "content_type": reference.content_type,
        "size": tally.size,
        "sha256": tally.sha256,
        "lines": tally.lines if is_text else None,
        "words": tally.words if is_text else None,
    }
