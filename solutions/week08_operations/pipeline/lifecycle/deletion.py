"""Deletes documents with everything that belongs to them. Given to students complete.

The row is deleted last. So if this process dies on the way, the client's next request, or the clean-up, goes
on. A worker that runs the job cannot write any more: its job is cancelled, and then has no row. PostgreSQL
refuses the document (`withdraw`). An artifact that such a worker stores late is removed by the clean-up.
"""

from __future__ import annotations

import logging
from functools import partial

from boto3.dynamodb.conditions import Attr

from pipeline.errors import PermanentError, TransientError
from pipeline.lifecycle.ending import end_job
from pipeline.models.blob_uses import release, release_later
from pipeline.models.errors import JobConflict, JobNotFound
from pipeline.models.job import FINISHED, Job, Status, jobs, move
from pipeline.models.listing import read_row
from pipeline.models.table import KEY, ConditionFailed
from pipeline.steps.database import connection
from pipeline.storage import blob_store
from pipeline.tasks.cancellation import DELETE, LOCK_DOCUMENT, WITHDRAW

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""A job can be replayed, or end, in the moment in which it is deleted: look again, and try again."""
ARTIFACTS = "artifacts/"


class DocumentNotFound(PermanentError):
    """The owner has no such document: neither a job nor a row in the index."""

    http_status = 404
    default_message = "There is no document with this id."


class DeletionUnavailable(TransientError):
    """PostgreSQL cannot be reached. The document is not deleted completely."""

    default_message = "The document cannot be deleted now. Try again in a few seconds."


def delete_document(document_id: str, owner: str) -> None:
    """Delete an owner's document: job, index, artifacts, and the file if no other document uses it.

    A file that was uploaded a short time ago is removed by the sweep, `blob_grace_seconds` later.

    Raises:
        DocumentNotFound: the owner has no such document.
        JobConflict: the job changes faster than it can be deleted.
        JobStoreUnavailable, BlobStoreUnavailable, psycopg.OperationalError: a store cannot be reached. A
            second request goes on.
    """
    for _ in range(ATTEMPTS):
        row = read_row(document_id)
        job = Job.from_item(row) if row else None
        if (job and job.owner != owner) or (job is None and not indexed(document_id, owner)):
            raise DocumentNotFound
        try:
            if job:
                stop(job)
            erase(document_id, owner)
            if job:
                remove_row(job)
        except (JobConflict, JobNotFound):
            continue
        if job and not release(job.document.blob_key):
            release_later(job.document.blob_key)
        logger.info("document %s was deleted", document_id)
        return
    raise JobConflict


def indexed(document_id: str, owner: str) -> bool:
    """Whether the owner's document is in the index. Its job may have expired long ago."""
    with connection() as database:
        found = database.execute(
            "SELECT 1 FROM documents WHERE document_id = %s AND owner = %s", [document_id, owner]
        ).fetchone()
    return found is not None


def stop(job: Job) -> None:
    """Cancel a job that has not ended, so that no worker can write for it. Raises JobConflict."""
    if job.status not in FINISHED:
        end_job(job, Status.CANCELLED, partial(move, job.id, Status.CANCELLED))


def erase(document_id: str, owner: str) -> None:
    """Remove a document from the index for good, and its artifacts from the blob store.

    The statements are those of `withdraw`, which is homework: a deletion must not wait for it.
    """
    with connection() as database, database.transaction():
        for statement in (LOCK_DOCUMENT, WITHDRAW, DELETE):
            database.execute(statement, [document_id, owner])
    for key in list(blob_store().list(f"{ARTIFACTS}{document_id}/")):
        blob_store().delete(key)


def remove_row(job: Job) -> None:
    """Delete the row of a job that has ended. Raises JobConflict if it was replayed in the meantime."""
    ended = Attr("status").is_in([status.value for status in FINISHED])
    try:
        jobs().delete(
            job.id, (ended & Attr("generation").eq(job.generation)) | Attr(KEY).not_exists()
        )
    except ConditionFailed:
        raise JobConflict from None
