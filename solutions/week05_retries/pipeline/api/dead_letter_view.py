"""What a client sees of a dead letter. Given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from pipeline.api.tasks import TaskError
from pipeline.documents import DocumentRef
from pipeline.models.dead_letters import DeadLetter, ReliableJob


class DeadLetterView(BaseModel):
    """One dead letter. The traceback is on the row and in the log, and for the operator alone."""

    job_id: str
    document: DocumentRef
    step: str
    """The step that failed, or that ended its worker."""
    task: str
    """The task that gave the job up."""
    arguments: list[Any]
    """What the task was called with: references, never contents."""
    error: TaskError
    """The same as the job's."""
    exception: str
    """The class of the error: for programmers."""
    attempts: int
    """How often the step raised an error."""
    deliveries: int
    """How often a worker had begun with the job."""
    first_at: datetime
    last_at: datetime
    fingerprint: str
    """Equal for dead letters of the same kind."""
    replays: int
    """How often the job had been replayed before."""

    @classmethod
    def of(cls, job: ReliableJob) -> DeadLetterView:
        """The part of a dead letter that is for clients."""
        letter = job.dead_letter
        assert isinstance(letter, DeadLetter)
        same = letter.model_dump(include={"step", "task", "arguments", "exception", "attempts"})
        return cls(
            job_id=job.id,
            document=job.document,
            **same,
            error=TaskError(type=letter.kind, message=letter.message),
            deliveries=letter.deliveries,
            first_at=datetime.fromtimestamp(letter.first_at, UTC),
            last_at=datetime.fromtimestamp(letter.last_at, UTC),
            fingerprint=letter.fingerprint,
            replays=job.replays,
        )


class DeadLetterPage(BaseModel):
    """Some dead letters, newest first. Send `next_cursor` as `cursor` for those that follow; null:
    none.
    """

    dead_letters: list[DeadLetterView]
    next_cursor: str | None


class ReplayAccepted(BaseModel):
    """The job is pending again."""

    job_id: str
    status_url: str


class ReplayAllAccepted(BaseModel):
    """The jobs are pending again, and start one by one."""

    replayed: int = Field(ge=0)
    seconds: float = Field(ge=0)
    """Until the last of them starts."""
