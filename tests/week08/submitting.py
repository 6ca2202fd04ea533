"""Submits jobs without an API, from a process of its own that has the pipeline's code."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from autograder.process.fork_client import Host
from autograder.process.student import Student
from autograder.sdk import JournalEntry, made
from autograder.sdk.blobs import write_below
from autograder.sdk.jobs_table import JobsTable
from bootcamp.stack import Run
from tests.week08.conftest import LAYERS

QUICK = {
    "LEASE_SECONDS": "20",
    "PUBLISH_SECONDS": "600",
    "REDRIVE_SECONDS": "600",
    "OUTBOX_INTERVAL_SECONDS": "0.2",
}
"""No message counts as lost while a backlog waits."""
CREATION = "pipeline.models.creation"
PUBLISHING = "pipeline.lifecycle.publishing"


@dataclass
class Desk:
    """Submits documents, and looks at their jobs."""

    run: Run
    code: Student
    texts: dict[str, str] = field(default_factory=dict)
    """The text of each job's document."""

    def submit(self, *, urgent: bool = False, owner: str = "public") -> str:
        """Store a document, write its job's row, publish its message, and return the job's id."""
        job_id = str(uuid4())
        content = f"The keeper {job_id} lit the lamp.\n".encode()
        key = f"uploads/{hashlib.sha256(content).hexdigest()}"
        write_below(self.run.blob_folder, key, content)
        document = made(
            "pipeline.documents",
            "DocumentRef",
            document_id=job_id,
            blob_key=key,
            filename="keeper.txt",
            content_type="text/plain",
            owner=owner,
            urgent=urgent,
        )
        self.code.call(CREATION, "create", document, owner)
        self.code.call(PUBLISHING, "publish", document)
        self.texts[job_id] = job_id
        return job_id

    def row(self, job_id: str) -> dict[str, Any]:
        return JobsTable(self.run).get(job_id) or {}

    def completed(self, jobs: Iterable[str]) -> int:
        """How many of these jobs are completed."""
        return sum(self.row(job_id).get("status") == "completed" for job_id in jobs)

    def wait(self, jobs: Iterable[str], seconds: float) -> None:
        """Wait until these jobs are completed."""
        left, end = list(jobs), time.monotonic() + seconds
        while left := [job for job in left if self.row(job).get("status") != "completed"]:
            assert time.monotonic() < end, [self.row(job) for job in left][:3]
            time.sleep(0.05)

    def asked(self) -> list[JournalEntry]:
        """The provider's journal of embeddings."""
        return self.run.openai.journal("embeddings")

    def order(self) -> list[str]:
        """The jobs in the order in which the provider was asked for them."""
        texts = [" ".join(entry.inputs) for entry in self.asked()]
        return [job for text in texts for job in self.texts if job in text]


@contextmanager
def desk(run: Run, folder: Path, host: Host) -> Iterator[Desk]:
    """A desk on a run whose stores are prepared."""
    code = Student(LAYERS, {**run.environment(), **QUICK}, folder, host)
    code.await_migration()
    try:
        yield Desk(run, code)
    finally:
        code.stop()
