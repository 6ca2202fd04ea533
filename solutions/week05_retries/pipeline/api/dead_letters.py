"""The routes below `/dead-letters`: list the failed jobs, read one, and replay one or all."""

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
    """Your failed jobs that have a dead letter, newest first. A page can be short or empty. Only a null
    `next_cursor` means that no page follows.
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
        str | None, Query(pattern="^[0-9a-f]{16}$", description="Only dead letters of this kind.")
    ] = None,
) -> ReplayAllAccepted:
    """Make the jobs pending again. They start oldest first and one by one, at a limited rate. A job that
    fails again gets a new dead letter. Nothing is replayed automatically.
    """
    replayed = await on_thread(replay_all, current_owner(), fingerprint)
    return ReplayAllAccepted(replayed=replayed.count, seconds=replayed.seconds)


@router.get(
    "/dead-letters/{job_id}",
    summary="Read a dead letter",
    responses=error_responses(DeadLetterNotFound, JobStoreUnavailable),
)
async def read_dead_letter(job_id: UUID) -> DeadLetterView:
    """The dead letter of one failed job."""
    return DeadLetterView.of(await on_thread(find_dead, str(job_id), current_owner()))


@router.post(
    "/dead-letters/{job_id}/replay",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Replay a dead letter",
    responses=error_responses(DeadLetterNotFound, JobConflict, JobStoreUnavailable),
)
async def replay_dead_letter(job_id: UUID, response: Response) -> ReplayAccepted:
    """Make the job pending again. It keeps its id, and the stored results of its steps are used again."""
    owner = current_owner()
    # BEGIN SOLUTION 5.6
    # ? o) Find the owner's job with `find_dead(str(job_id), owner)`, then `replay` it without `due_in`.
    # ? Both wait for DynamoDB, so call each with `await on_thread(function, …)`. Otherwise they would
    # ? block every other request.
    # ? p) Only after the row is written, send the job's message: `await announce(job.document)`. A worker
    # ? that gets the message earlier finds a failed job, and drops the message.
    # ? q) Set the header `Location` to `/jobs/{id}`, and return `ReplayAccepted` with the job's id and
    # ? the same path as `status_url`.
    # ? r) Let `DeadLetterNotFound` and `JobConflict` leave the function. They become 404 and 409.
    dead = await on_thread(find_dead, str(job_id), owner)
    job = await on_thread(replay, dead)
    await announce(job.document)
    status_url = f"/jobs/{job.id}"
    response.headers["Location"] = status_url
    return ReplayAccepted(job_id=job.id, status_url=status_url)
    # END SOLUTION
