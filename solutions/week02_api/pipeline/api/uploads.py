"""`POST /documents/upload`: take a document, hand it to the queue, answer at once."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable
from dataclasses import dataclass
from functools import cache
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import uuid4

from anyio import to_thread
from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings

from pipeline.api.checks import judged_type, within_limit
from pipeline.api.multipart import FIELD, incoming_file
from pipeline.api.responses import error_responses
from pipeline.documents import DocumentRef, display_name, upload_key
from pipeline.errors import (
    BlobStoreUnavailable,
    BrokerUnavailable,
    EmptyUpload,
    MalformedUpload,
    UnsupportedContent,
    UploadTimeout,
    UploadTooLarge,
)
from pipeline.queueing import (
    PUBLISH_POLICY,
    REDIS_ERRORS,
    document_task,
    forget,
    off_the_loop,
    remember,
)
from pipeline.storage import blob_store

router = APIRouter(tags=["documents"])

DEFAULT_MAX_UPLOAD_BYTES = 25 * 1024 * 1024
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


class UploadSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    max_upload_bytes: int = Field(default=DEFAULT_MAX_UPLOAD_BYTES, gt=0)


@cache
def upload_settings() -> UploadSettings:
    """The settings of this process, read once."""
    return UploadSettings()


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


@dataclass(frozen=True)
class Copied:
    """What came through."""

    size: int
    sha256: str


async def copy(chunks: AsyncIterable[bytes], file: BinaryIO) -> Copied:
    """Write `chunks` to `file` as they come: one of them is in memory at a time. Given."""
    size, digest = 0, hashlib.sha256()
    async for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
        file.write(chunk)  # to a local file, mostly to the kernel's memory: shorter than a thread
    file.seek(0)
    return Copied(size, digest.hexdigest())


def enqueue(document: DocumentRef) -> None:
    """Put a document in the queue. Blocks; raises one of `REDIS_ERRORS`."""
    remember(document.document_id)  # before a worker can know of it, so that 2.4 can tell it apart
    try:
        # BEGIN SOLUTION 2.1
        # ? Publish the document through its registered task (`document_task`), under the
        # ? document's own id. The message holds a reference (`as_message`), never the content.
        # ? `PUBLISH_POLICY` limits how often Celery tries again.
        document_task().apply_async(
            args=[document.as_message()],
            task_id=document.document_id,
            retry_policy=PUBLISH_POLICY,
        )
        # END SOLUTION
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
        # BEGIN SOLUTION 2.5
        # ? `enqueue` blocks while it waits for Redis. Nothing that blocks may run on the
        # ? event loop: other requests are answered meanwhile (`off_the_loop`). However Redis fails,
        # ? by refusing or by silence, the client is answered in time, with what becomes a 503.
        try:
            await off_the_loop(enqueue, document)
        except REDIS_ERRORS as error:
            raise BrokerUnavailable from error
        # END SOLUTION
    except NotImplementedError:  # still an exercise: then it blocks, and an outage is a 500
        enqueue(document)


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
    limit = upload_settings().max_upload_bytes
    upload = await incoming_file(request, limit)
    # The copy has no name on disk (Linux, macOS): it is gone with the block, or with the process.
    with TemporaryFile() as file:
        # BEGIN SOLUTION 2.1
        # ? Take the upload in chunk by chunk (`copy`), never whole. Store it in the blob
        # ? store under the key that its content gives (`upload_key`), and hand a reference with a
        # ? new id to the queue. Answer with the id and where to ask (`Location`); process nothing
        # ? here. What blocks for long runs on a thread. The name is cleaned (`display_name`).
        # ? Call `within_limit` and `judged_type` (2.2) and `publish` (2.5) from the start: while
        # ? they are unwritten, they let everything through.
        copied = await copy(within_limit(upload, limit), file)
        content_type = await to_thread.run_sync(judged_type, file, upload.filename)
        key = upload_key(copied.sha256)
        await to_thread.run_sync(blob_store().put_stream, key, file)
        document = DocumentRef(
            document_id=str(uuid4()),
            blob_key=key,
            filename=display_name(upload.filename),
            content_type=content_type,
        )
        await publish(document)
        status_url = f"/tasks/{document.document_id}"
        response.headers["Location"] = status_url
        return UploadAccepted(
            task_id=document.document_id, status_url=status_url, document=document
        )
        # END SOLUTION
