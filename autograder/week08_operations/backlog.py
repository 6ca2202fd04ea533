"""Jobs that wait in the queues, made without an API."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from random import Random

import pytest

from autograder.sdk import Run, Student, broker, fail, made
from autograder.sdk.blobs import write_below
from autograder.sdk.jobs_table import new_id


@pytest.fixture
def emptied(run: Run) -> Iterator[None]:
    """The queues are empty afterwards, so no worker of another check meets this backlog."""
    yield
    client = broker.database(run, broker.BROKER)
    client.delete(*("urgent", "cpu", "io", "webhooks", "celery", "unacked", "unacked_index"))


def submit(student: Student, run: Run, rng: Random, urgent: bool) -> str:
    """Store a document and its job's row, publish its message, and return the job's id."""
    job_id = new_id(rng)
    content = f"The keeper {job_id} lit the lamp.\n".encode()
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    if not write_below(run.blob_folder, key, content):
        fail(
            sent=f"a document, {key}", expected="a file in the blob store", got="it was not written"
        )
    more = {"filename": "keeper.txt", "content_type": "text/plain", "owner": "me", "urgent": urgent}
    reference = made("pipeline.documents", "DocumentRef", document_id=job_id, blob_key=key, **more)
    student.call("pipeline.models.creation", "create", reference, "me")
    student.call("pipeline.lifecycle.publishing", "publish", reference)
    return job_id
