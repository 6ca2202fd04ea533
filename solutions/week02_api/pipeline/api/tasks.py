"""`GET /tasks/{id}`: the status of an uploaded document."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from celery import states
from fastapi import APIRouter
from kombu.utils.imports import symbol_by_name
from pydantic import BaseModel, ConfigDict, Field

from pipeline import wiring
from pipeline.api.responses import error_responses
from pipeline.errors import ResultsUnavailable, TaskNotFound, public_error
from pipeline.states import PROGRESS, QUEUED

router = APIRouter(tags=["tasks"])


class Progress(BaseModel):
    """The progress of a task."""

    step: str
    percent: int = Field(ge=0, le=100)


class TaskError(BaseModel):
    """Why a task failed, in words that a client may read."""

    type: str
    """A stable name, which programs may compare."""
    message: str
    """A sentence for people, which may change."""


class TaskStatus(BaseModel):
    """The response of `GET /tasks/{id}`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "task_id": "6f1c1c0e-3c0b-4c86-9d43-0f3f2b6b5a53",
                "status": "processing",
                "progress": {"step": "counting", "percent": 40},
                "result": None,
                "error": None,
            }
        }
    )

    task_id: str
    status: Literal["pending", "processing", "completed", "failed"]
    progress: Progress | None = None
    result: Any = None
    error: TaskError | None = None


def status_of(task_id: str, state: str, info: Any) -> TaskStatus:
    """Translate a task's state into the response for a client.

    Args:
        task_id: the task's id.
        state: a state of Celery (`celery.states`), or one of `pipeline.states`.
        info: what is stored with the state. It is a dict with "step" and "percent" for QUEUED and
            PROGRESS, the result for SUCCESS, and an exception or None for FAILURE and REVOKED.

    Returns:
        The response, whose status is pending, processing, completed or failed.

    Raises:
        TaskNotFound: no task was submitted under this id, or its result has expired.
    """
    if state == QUEUED:
        # BEGIN SOLUTION 2.0
        # ? a) Return a `TaskStatus` for this task with the status "pending" and its progress. The
        # ?    progress is a `Progress`, built from `info`.
        return TaskStatus(task_id=task_id, status="pending", progress=Progress(**info))
        # END SOLUTION
    if state == PROGRESS:
        return TaskStatus(task_id=task_id, status="processing", progress=Progress(**info))
    if state in {states.STARTED, states.RETRY}:
        return TaskStatus(task_id=task_id, status="processing")
    # BEGIN SOLUTION 2.4
    # ? a) If the state is `states.SUCCESS`, return the status "completed" with `info` as the result,
    # ?    also if `info` is None, 0 or empty.
    # ? b) If the state is in `states.EXCEPTION_STATES`, return the status "failed" with a `TaskError`.
    # ?    Build it from `public_error(info)`, which hides everything that a client must not read.
    # ? c) Raise `TaskNotFound` for any other state. Celery reports PENDING if nothing is stored under
    # ?    this id.
    if state == states.SUCCESS:
        return TaskStatus(task_id=task_id, status="completed", result=info)
    if state in states.EXCEPTION_STATES:
        return TaskStatus(task_id=task_id, status="failed", error=TaskError(**public_error(info)))
    raise TaskNotFound
    # END SOLUTION


@router.get(
    "/tasks/{task_id}",
    summary="Ask for a task's status",
    responses=error_responses(TaskNotFound, ResultsUnavailable),
)
async def read_task(task_id: UUID) -> TaskStatus:
    """Get the status and the progress of a task, and after its end the result or the error."""
    state, info = await symbol_by_name(wiring.TASK_STATE)(str(task_id))
    return status_of(str(task_id), state, info)
