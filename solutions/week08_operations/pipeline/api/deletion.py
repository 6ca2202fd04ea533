"""`DELETE /documents/{id}`: deletes a document with all that is stored of it. Given to students complete."""

from __future__ import annotations

from uuid import UUID

import psycopg
from fastapi import APIRouter

from pipeline.api.responses import error_responses
from pipeline.api.threads import on_thread
from pipeline.errors import BlobStoreUnavailable
from pipeline.lifecycle.deletion import DeletionUnavailable, DocumentNotFound, delete_document
from pipeline.models.errors import JobConflict, JobStoreUnavailable
from pipeline.owners import current_owner

router = APIRouter(tags=["documents"])


@router.delete(
    "/documents/{document_id}",
    status_code=204,
    summary="Delete a document",
    responses=error_responses(
        DocumentNotFound,
        JobConflict,
        JobStoreUnavailable,
        BlobStoreUnavailable,
        DeletionUnavailable,
    ),
)
async def delete(document_id: UUID) -> None:
    """Delete a document: its job, its place in the index, and its files. A running job is cancelled."""
    try:
        await on_thread(delete_document, str(document_id), current_owner())
    except psycopg.OperationalError as error:
        raise DeletionUnavailable from error
