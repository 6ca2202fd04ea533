"""`POST /documents`, `GET /jobs/{id}` and `GET /jobs`: jobs that outlive every restart."""

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
STATES_PAGE = f"A job's states:\n\n```mermaid\n{STATE_MACHINE}```"

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Anything that is unique to this document and to you, such as a UUID. Send the "
        "request again with the same key, and you get the same job.",
    ),
]


def _header(what: str) -> dict[str, Any]:
    return {"description": what, "schema": {"type": "string"}}


async def announce(document: DocumentRef) -> None:
    """Send the job's message. That may fail: the row is there, and the outbox reads it. Given."""
    try:
        await off_the_loop(publish, document, retry_policy=PUBLISH_POLICY)
    except Exception as error:
        logger.warning("job %s waits for the broker", document.document_id, exc_info=error)


async def accept(document: DocumentRef, owner: str, key: str | None = None) -> Accepted:
    """Accept a document in week 4's way: write the job's row, then send its message.

    If the broker does not take the message, the document is accepted all the same: the outbox sends it.

    Args:
        document: a reference with a new id.
        owner: who submits it.
        key: the idempotency key, if the client sent one.

    Returns:
        The document, under the id of the job that the first request with this key made.

    Raises:
        IdempotencyKeyReused: an earlier request sent this key with another document.
        JobStoreUnavailable: the row could not be written, so nothing was accepted.
    """
    if key is None:  # every request makes a job of its own
        await on_thread(create, document, owner)
        await announce(document)
        return Accepted(document)
    # TODO 4.4: Make the job with `create_once`. It blocks, so run it `on_thread`, as `create` runs
    #   above.
    #   If the job is new, `announce` it after the row is written. If it is not, announce nothing.
    #   Return the document under the id of the job that the first request with this key made, and
    #   in `replayed`, whether that was an earlier request.
    raise NotImplementedError("4.4")


@router.post(
    "/documents",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Submit a document",
    responses={
        202: {
            "headers": {
                "Location": _header("The job."),
                REPLAYED: _header("`true`: an earlier request with this key made the job."),
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
    """Take a PDF, DOCX, Markdown or text file. Once this answers, the job will be done, whatever
    breaks.
    """
    document = await take_in(request)
    accepted = await submit(document, current_owner(), idempotency_key)
    # TODO 4.4: Answer with the id of the accepted job and with the accepted document. Set
    #   `Location` and `status_url` to `/jobs/{id}`. If an earlier request made the job, set the
    #   header `REPLAYED` to `true`.
    raise NotImplementedError("4.4")


@router.get(
    "/jobs/{job_id}",
    summary="Ask for a job",
    description=STATES_PAGE,
    responses=error_responses(JobNotFound, JobStoreUnavailable),
)
async def read_job(job_id: UUID) -> JobView:
    """One job: its status, its steps, its result or its error."""
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
    """Your jobs, newest first. A page can be short or empty; only a null `next_cursor` ends it."""
    found = await on_thread(page, current_owner(), status, limit, cursor)
    return JobPage(jobs=[JobView.of(job) for job in found.jobs], next_cursor=found.cursor)
