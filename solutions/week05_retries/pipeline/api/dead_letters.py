"""`GET /dead-letters` and their replay: what has failed for good, and a second chance for it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from pipeline.api.dead_letter_view import (
    DeadLetterPage,
    DeadLetterView,
    ReplayAccepted,
    ReplayAllAccepted,
)
from pipeline.api.jobs import DEFAULT_PAGE, MAX_PAGE, announce
from pipeline.api.responses import error_responses
from pipeline.api.threads import on_thread
from pipeline.models.dead_letters import find_dead, page_of_dead, replay
from pipeline.models.errors import InvalidCursor, JobConflict, JobStoreUnavailable
from pipeline.models.replays import replay_all
from pipeline.owners import current_owner
from pipeline.retry_errors import DeadLetterNotFound

router = APIRouter(tags=["dead letters"])


@router.get(
    "/dead-letters",
    summary="List dead letters",
    responses=error_responses(InvalidCursor, JobStoreUnavailable),
)
async def list_dead_letters(
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> DeadLetterPage:
    """Your jobs that were given up, newest first. A page can be short or empty; only a null
    `next_cursor` ends it.
    """
    found = await on_thread(page_of_dead, current_owner(), limit, cursor)
    letters = [DeadLetterView.of(job) for job in found.jobs]
    return DeadLetterPage(dead_letters=letters, next_cursor=found.cursor)


@router.post(
    "/dead-letters/replay",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Replay all dead letters",
    responses=error_responses(JobStoreUnavailable),
)
async def replay_dead_letters(
    fingerprint: Annotated[
        str | None, Query(pattern="^[0-9a-f]{16}$", description="Only those of this kind.")
    ] = None,
) -> ReplayAllAccepted:
    """Let the jobs start anew, oldest first and one by one. One that fails again has a dead letter
    again; nothing is replayed by itself.
    """
    replayed = await on_thread(replay_all, current_owner(), fingerprint)
    return ReplayAllAccepted(replayed=replayed.count, seconds=replayed.seconds)


@router.get(
    "/dead-letters/{job_id}",
    summary="Ask for a dead letter",
    responses=error_responses(DeadLetterNotFound, JobStoreUnavailable),
)
async def read_dead_letter(job_id: UUID) -> DeadLetterView:
    """What is kept of one job that was given up."""
    return DeadLetterView.of(await on_thread(find_dead, str(job_id), current_owner()))


@router.post(
    "/dead-letters/{job_id}/replay",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Replay a dead letter",
    responses=error_responses(DeadLetterNotFound, JobConflict, JobStoreUnavailable),
)
async def replay_dead_letter(job_id: UUID, response: Response) -> ReplayAccepted:
    """Let the job start anew. It keeps its id; what is done already is not paid for again."""
    owner = current_owner()
    # BEGIN SOLUTION 5.6
    # ? Find the dead letter (`find_dead`), `replay` it, and only then `announce` its
    # ? document. Two of these wait for DynamoDB: `on_thread`. `Location` and `status_url` are
    # ? `/jobs/{id}`.
    dead = await on_thread(find_dead, str(job_id), owner)
    job = await on_thread(replay, dead)
    await announce(job.document)
    status_url = f"/jobs/{job.id}"
    response.headers["Location"] = status_url
    return ReplayAccepted(job_id=job.id, status_url=status_url)
    # END SOLUTION
