"""The task of week 2: reads a document, counts its lines and words, and reports its progress."""

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
"""The percent between two reports. Each report is a write to Redis, so not every piece is worth one."""


class DocumentFacts(TypedDict):
    """The result of `process_document`."""

    document_id: str
    filename: str
    content_type: str
    size: int
    """Bytes."""
    sha256: str
    lines: int | None
    """None if the content is not text."""
    words: int | None


class Tally:
    """Counts the bytes, lines and words of a document, piece by piece."""

    def __init__(self) -> None:
        self.size = self.words = self.newlines = 0
        self._digest = hashlib.sha256()
        self._in_word = False
        self._last = b""

    def add(self, piece: bytes) -> None:
        """Count one more piece. A word that is divided between two pieces counts once."""
        self.size += len(piece)
        self._digest.update(piece)
        self.newlines += piece.count(b"\n")
        self.words += len(piece.split()) - (self._in_word and not piece[:1].isspace())
        self._in_word = not piece[-1:].isspace()
        self._last = piece[-1:]

    @property
    def lines(self) -> int:
        """Return the number of lines. A last line without a line break counts too."""
        return self.newlines + (self._last not in (b"", b"\n"))

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@dataclass
class Reporter:
    """Writes the progress of a task to the result backend."""

    task: PipelineTask
    percent: int = -REPORT_EVERY
    """The percent of the last report. The first value makes sure that 0 percent is reported."""

    def report(self, step: str, done: int, total: int) -> None:
        """Report that `done` of `total` bytes are processed. Given to students complete.

        An error in `_report` is logged and has no other effect, because a document must also be
        processed if Redis does not accept its progress.

        Args:
            step: the name of what the task does, for example "counting".
            done: bytes that are processed.
            total: bytes of the whole document. It can be 0.
        """
        try:
            self._report(step, done, total)
        except Exception:
            logger.warning("progress was not reported", exc_info=True)

    def _report(self, step: str, done: int, total: int) -> None:
        """Store the progress of the task, if it has changed enough since the last report.

        Args:
            step: the name of what the task does.
            done: bytes that are processed. It never decreases, and it is never more than `total`.
            total: bytes of the whole document. It can be 0.
        """
        # BEGIN SOLUTION 2.3
        # ? a) Calculate the percent of `total` that is done, as a whole number from 0 to 100, rounded
        # ?    down. If `total` is 0, it is 100.
        # ? b) Report only if the percent is at least `REPORT_EVERY` higher than the last reported one,
        # ?    `self.percent`, or if it is 100 and 100 was not reported before.
        # ? c) To report, store the state `PROGRESS` for this task (`self.task.update_state`). Its meta is
        # ?    a dict with exactly two keys: "step" as it was passed in, and "percent".
        # ? d) Store the reported percent in `self.percent`. A report that fails may count as reported.
        # ? e) Do not catch an error of the result backend: `report` logs it.
        percent = 100 * done // total if total else 100
        if percent >= self.percent + REPORT_EVERY or percent == 100 > self.percent:
            self.percent = percent
            self.task.update_state(state=PROGRESS, meta={"step": step, "percent": percent})
        # END SOLUTION


@app.task(bind=True, name="pipeline.process_document")
def process_document(self: PipelineTask, document: dict[str, Any]) -> DocumentFacts:
    """Read a stored document piece by piece, and count its bytes, lines and words.

    Args:
        document: a `DocumentRef` as a dict, as `as_message` returns it.

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
