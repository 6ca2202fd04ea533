"""`POST /documents/upload`: take a document, hand it to the queue, answer at once."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, ConfigDict

from pipeline.api.intake import take_in
from pipeline.api.multipart import FIELD
from pipeline.api.responses import error_responses
from pipeline.documents import DocumentRef
from pipeline.errors import (
    BlobStoreUnavailable,
    BrokerUnavailable,
    EmptyUpload,
    MalformedUpload,
    UnsupportedContent,
    UploadTimeout,
    UploadTooLarge,
)
from pipeline.owners import current_owner
from pipeline.queueing import (
    PUBLISH_POLICY,
    REDIS_ERRORS,
    document_task,
    forget,
    off_the_loop,
    remember,
)
from pipeline.submission import Accepted, submit

router = APIRouter(tags=["documents"])

MULTIPART_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
"""For the OpenAPI page: FastAPI cannot see a body that the route reads by itself."""


class UploadAccepted(BaseModel):
    """What a successful upload answers: the work is yet to be done."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "task_id": "6f1c1c0e-3c0b-4c86-9d43-0f3f2b6b5a53",
                "status_url": "/tasks/6f1c1c0e-3c0b-4c86-9d43-0f3f2b6b5a53",
                "document": {
                    "document_id": "6f1c1c0e-3c0b-4c86-9d43-0f3f2b6b5a53",
                    "blob_key": "uploads/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15"
                    "b0f00a08",
                    "filename": "report.pdf",
                    "content_type": "application/pdf",
                },
            }
        }
    )

    task_id: str
    status_url: str
    """Where to ask how far it is. The same as the header `Location`."""
    document: DocumentRef


def enqueue(document: DocumentRef) -> None:
    """Put a document in the queue. Blocks; raises one of `REDIS_ERRORS`."""
    remember(document.document_id)  # before a worker can know of it, so that 2.4 can tell it apart
    try:
        # TODO 2.1: Publish the document through its registered task (`document_task`), under the
        #   document's own id. The message holds a reference (`as_message`), never the content.
        #   `PUBLISH_POLICY` limits how often Celery tries again.
        raise NotImplementedError("2.1")
    except BaseException:
        forget(document.document_id)
        raise


async def publish(document: DocumentRef) -> None:
    """Enqueue without holding up other requests, and give up in time.

    Raises:
        BrokerUnavailable: the document is not in the queue. (If the broker took the message but
            its answer was lost, it is, and runs without anybody asking: week 4 ends that.)
    """
    try:
        # TODO 2.5: `enqueue` blocks while it waits for Redis. Nothing that blocks may run on the
        #   event loop: other requests are answered meanwhile (`off_the_loop`). However Redis fails,
        #   by refusing or by silence, the client is answered in time, with what becomes a 503.
        raise NotImplementedError("2.5")
    except NotImplementedError:  # still an exercise: then it blocks, and an outage is a 500
        enqueue(document)


async def accept(document: DocumentRef, owner: str, key: str | None = None) -> Accepted:
    """Week 2's way to accept a document (`submit`): publish it. Given.

    It knows no idempotency keys yet. Raises BrokerUnavailable.
    """
    await publish(document)
    return Accepted(document)


@router.post(
    "/documents/upload",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Upload a document",
    responses={
        202: {
            "headers": {"Location": {"description": "Its status.", "schema": {"type": "string"}}}
        },
        **error_responses(
            UploadTooLarge,
            UnsupportedContent,
            EmptyUpload,
            MalformedUpload,
            UploadTimeout,
            BrokerUnavailable,
            BlobStoreUnavailable,
        ),
    },
    openapi_extra=MULTIPART_BODY,
)
async def upload_document(request: Request, response: Response) -> UploadAccepted:
    """Take a PDF, DOCX, Markdown or text file. It is processed later: ask `status_url`."""
    document = await take_in(request)
    # TODO 2.1: Accept the document with `submit`, for `current_owner()`, and answer with its id and
    #   where to ask for its status (`status_url`, and the header `Location`). Process nothing here.
    raise NotImplementedError("2.1")
