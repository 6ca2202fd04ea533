"""`GET /tasks/{id}`: what became of an upload."""

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
    """How far a task is."""

    step: str
    percent: int = Field(ge=0, le=100)


class TaskError(BaseModel):
    """Why a task failed, in words for a client."""

    type: str
    """Stable: programs may compare it."""
    message: str
    """For people: it may change."""


class TaskStatus(BaseModel):
    """What `GET /tasks/{id}` answers."""

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
    """What a client is told about a task, from what is known of it.

    Args:
        task_id: the task's id.
        state: Celery's name of the state, or one of `pipeline.states`.
        info: the progress, the result or the exception that belongs to the state.

    Raises:
        TaskNotFound: nobody has submitted this task, or its result has expired.
    """
    if state == QUEUED:
        return TaskStatus(task_id=task_id, status="pending", progress=Progress(**info))
    if state == PROGRESS:
        return TaskStatus(task_id=task_id, status="processing", progress=Progress(**info))
    if state in {states.STARTED, states.RETRY}:
        return TaskStatus(task_id=task_id, status="processing")
    # BEGIN SOLUTION 2.4
    # ? Three answers are left, and a client must be able to tell them apart.
    # ? A result: completed. An exception: failed, with nothing in it that a stranger must not read
    # ? (see `public_error`). And an id that nobody submitted: what does Celery call its state?
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
    """Status and progress of a task, then its result or its error."""
    state, info = await symbol_by_name(wiring.TASK_STATE)(str(task_id))
    return status_of(str(task_id), state, info)
