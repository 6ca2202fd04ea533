"""`POST /documents/upload`: stores a document, publishes a message for it, and answers at once."""

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
    delete_record,
    document_task,
    off_the_loop,
    record_queued,
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
"""Describes the body on the OpenAPI page. FastAPI does not know it, because the route reads it itself."""


class UploadAccepted(BaseModel):
    """The response of a successful upload. The document will be processed later."""

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
    """The address of the task's status, `/tasks/{task_id}`. The header `Location` has the same value."""
    document: DocumentRef


def enqueue(document: DocumentRef) -> None:
    """Publish a message for a document that is already stored. This call blocks.

    The state QUEUED is stored first, so that `GET /tasks/{id}` knows the task before a worker does. If
    publishing fails, the record is deleted again.

    Raises:
        REDIS_ERRORS: the message could not be published.
    """
    record_queued(document.document_id)
    try:
        # TODO 2.1:
        #   f) Publish a message for the task that `document_task()` returns, with its method
        #      `apply_async`.
        #   g) The task has one argument, the reference `document.as_message()`. The message never
        #      contains the content of the document.
        #   h) Use the document's id as the task's id (`task_id`).
        #   i) Pass `PUBLISH_POLICY` as `retry_policy`, so that Celery retries only once.
        raise NotImplementedError("2.1")
    except BaseException:
        delete_record(document.document_id)
        raise


async def publish(document: DocumentRef) -> None:
    """Publish a message for a document without blocking the event loop, in a limited time.

    Raises:
        BrokerUnavailable: publishing failed. The message may be in the queue all the same, if only the
            broker's answer was lost. Week 4 solves this.
    """
    try:
        # TODO 2.5:
        #   a) Run `enqueue` for the document with `off_the_loop`, and wait until it ends, without a
        #      timeout of your own. So it blocks a thread and not the event loop, and it is known
        #      whether the message is published before the client gets its response.
        #   b) If this raises one of `REDIS_ERRORS`, raise `BrokerUnavailable` from it. The API
        #      answers with 503 and `Retry-After`, and logs the cause. The client gets nothing of
        #      its text.
        #   c) Do not retry here, and do not catch an error without raising one.
        #   d) Do not catch any other exception. It is a mistake in our code, which the API answers
        #      with 500.
        #   e) Do not delete the document from the blob store. Another upload may have the same
        #      content.
        raise NotImplementedError("2.5")
    except NotImplementedError:  # until the exercise is done, it blocks, and an outage is a 500
        enqueue(document)


async def accept(document: DocumentRef, owner: str, key: str | None = None) -> Accepted:
    """Accept a document by publishing it: what `submit` does in week 2. Given to students complete.

    Args:
        document: a reference to a stored document.
        owner: not used before week 4.
        key: not used before week 4.

    Raises:
        BrokerUnavailable: publishing failed.
    """
    await publish(document)
    return Accepted(document)


@router.post(
    "/documents/upload",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Upload a document",
    responses={
        202: {
            "headers": {"Location": {"description": "The status.", "schema": {"type": "string"}}}
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
    """Upload a PDF, DOCX, Markdown or text file. It is processed later: ask `status_url`."""
    document = await take_in(request)
    # TODO 2.1:
    #   j) Submit the stored document with `submit`, for the owner that `current_owner()` returns.
    #      Wait until it is accepted, but not until it is processed.
    #   k) Return an `UploadAccepted` with the document, its id as `task_id`, and the `status_url`
    #      `/tasks/` followed by this id.
    #   l) Set the header `Location` of `response` to the same text.
    raise NotImplementedError("2.1")
