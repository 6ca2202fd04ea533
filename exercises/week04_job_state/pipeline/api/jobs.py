"""The routes `POST /documents`, `GET /jobs/{id}` and `GET /jobs`."""

from __future__ import annotations

import logging
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, status

from pipeline.api.intake import take_in
from pipeline.api.job_view import JobAccepted, JobPage, JobView
from pipeline.api.responses import error_responses
from pipeline.api.threads import on_thread
from pipeline.api.uploads import MULTIPART_BODY
from pipeline.documents import DocumentRef
from pipeline.errors import (
    BlobStoreUnavailable,
    EmptyUpload,
    MalformedUpload,
    UnsupportedContent,
    UploadTimeout,
    UploadTooLarge,
)
from pipeline.lifecycle.publishing import publish
from pipeline.models.creation import create, create_once
from pipeline.models.errors import (
    IdempotencyKeyReused,
    InvalidCursor,
    JobNotFound,
    JobStoreUnavailable,
)
from pipeline.models.job import STATE_MACHINE, Status
from pipeline.models.listing import find, page
from pipeline.outbox import dispatching
from pipeline.owners import current_owner
from pipeline.queueing import PUBLISH_POLICY, off_the_loop
from pipeline.submission import Accepted, submit

logger = logging.getLogger(__name__)

router = APIRouter(tags=["jobs"], lifespan=dispatching)

DEFAULT_PAGE = 50
MAX_PAGE = 100
REPLAYED = "Idempotency-Replayed"
STATES_PAGE = f"The states of a job:\n\n```mermaid\n{STATE_MACHINE}```"

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A text that you choose for this document, such as a UUID. If you send the "
        "request again with the same key, you get the same job.",
    ),
]


def _header(what: str) -> dict[str, Any]:
    return {"description": what, "schema": {"type": "string"}}


async def announce(document: DocumentRef) -> None:
    """Publish the job's message.

    An error is only logged, because the row exists and the outbox publishes the message later.
    """
    try:
        await off_the_loop(publish, document, retry_policy=PUBLISH_POLICY)
    except Exception as error:
        logger.warning("job %s waits for the broker", document.document_id, exc_info=error)


async def accept(document: DocumentRef, owner: str, key: str | None = None) -> Accepted:
    """Accept a document: write the job's row, then publish its message.

    If Redis is down, the document is accepted anyway, and the outbox publishes the message later.

    Args:
        document: a reference with a new id.
        owner: the owner who submits it.
        key: the idempotency key, or None if the client sent none.

    Returns:
        The document, with the id of the job that the first request with this key created.

    Raises:
        IdempotencyKeyReused: an earlier request sent this key with another document.
        JobStoreUnavailable: the row could not be written, so nothing was accepted.
    """
    if key is None:  # every request creates a job of its own
        await on_thread(create, document, owner)
        await announce(document)
        return Accepted(document)
    # TODO 4.4:
    #   h) Create the job with `create_once`. It blocks, so await it `on_thread`, as `create` runs
    #      above. Let its errors out.
    #   i) If the job is new, await `announce` after the row is written. If an earlier request
    #      created the job, announce nothing.
    #   j) Return `Accepted` with the document and `replayed`. The document's `document_id` is the
    #      id of the job that the first request created: `created.job_id`.
    raise NotImplementedError("4.4")


@router.post(
    "/documents",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Submit a document",
    responses={
        202: {
            "headers": {
                "Location": _header("The path of the job."),
                REPLAYED: _header("`true` if an earlier request with this key created the job."),
            }
        },
        **error_responses(
            IdempotencyKeyReused,
            UploadTooLarge,
            UnsupportedContent,
            EmptyUpload,
            MalformedUpload,
            UploadTimeout,
            BlobStoreUnavailable,
            JobStoreUnavailable,
        ),
    },
    openapi_extra=MULTIPART_BODY,
)
async def submit_document(
    request: Request, response: Response, idempotency_key: IdempotencyKey = None
) -> JobAccepted:
    """Submit a PDF, DOCX, Markdown or text file. After the response 202, the job survives a
    restart of every service.
    """
    document = await take_in(request)
    accepted = await submit(document, current_owner(), idempotency_key)
    # TODO 4.4:
    #   k) Return `JobAccepted` with the id of the accepted document, which is the job's id, the
    #      path `/jobs/{id}` as `status_url`, and the accepted document.
    #   l) Set the header `Location` of `response` to the same path.
    #   m) Set the header `REPLAYED` to `true` if an earlier request created the job. Else leave it
    #      out.
    raise NotImplementedError("4.4")


@router.get(
    "/jobs/{job_id}",
    summary="Ask for a job",
    description=STATES_PAGE,
    responses=error_responses(JobNotFound, JobStoreUnavailable),
)
async def read_job(job_id: UUID) -> JobView:
    """Show one job: its status, its steps, and its result or error."""
    return JobView.of(await on_thread(find, str(job_id), current_owner()))


@router.get(
    "/jobs",
    summary="List jobs",
    responses=error_responses(InvalidCursor, JobStoreUnavailable),
)
async def list_jobs(
    status: Annotated[Status | None, Query(description="Only jobs in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> JobPage:
    """List your jobs, newest first. A page can be short or empty although more jobs follow. The
    list ends where `next_cursor` is null.
    """
    found = await on_thread(page, current_owner(), status, limit, cursor)
    return JobPage(jobs=[JobView.of(job) for job in found.jobs], next_cursor=found.cursor)
