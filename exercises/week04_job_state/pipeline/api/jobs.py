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
from pipeline.models.creation import Created, create, create_once
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
from pipeline.queueing import PUBLISH_POLICY, document_task, off_the_loop

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
    task: Any = document_task()

    def publish() -> None:
        task.publish(document, retry_policy=PUBLISH_POLICY)

    try:
        await off_the_loop(publish)
    except Exception as error:
        logger.warning("job %s waits for the broker", document.document_id, exc_info=error)


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
    document, owner = await take_in(request), current_owner()
    # TODO 4.4: Make the job: with an idempotency key `create_once`, without one `create`. Both
    #   block, so let them run `on_thread`. `announce` a job that is new, and no other.
    #   Every request with the same key is answered alike, with the id of the job that the first of
    #   them made; the ones after it have the header `REPLAYED`, `true`.
    #   `Location` and `status_url` are `/jobs/{id}`.
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
