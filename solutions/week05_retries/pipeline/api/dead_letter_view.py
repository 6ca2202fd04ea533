"""The form in which clients see a dead letter. Given to students complete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from pipeline.api.tasks import TaskError
from pipeline.documents import DocumentRef
from pipeline.models.dead_letters import DeadLetter, ReliableJob


class DeadLetterView(BaseModel):
    """One dead letter, without the traceback, which only operators see: it is on the row and in the log."""

    job_id: str
    document: DocumentRef
    step: str
    """The step that failed, or during which the worker died."""
    task: str
    """The task that failed the job."""
    arguments: list[Any]
    """The arguments of the step's task: references, never contents."""
    error: TaskError
    """The same as the job's."""
    exception: str
    """The class of the exception, for programmers."""
    attempts: int
    """How many attempts of the step raised an error."""
    deliveries: int
    """How often a worker started the job."""
    first_at: datetime
    last_at: datetime
    fingerprint: str
    """Equal for dead letters of the same kind."""
    replays: int
    """How often the job was replayed before it failed."""

    @classmethod
    def of(cls, job: ReliableJob) -> DeadLetterView:
        """Return the parts of a dead letter that clients may see."""
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
    """A page of dead letters, newest first. Send `next_cursor` as `cursor` to get the next page. null:
    this is the last page.
    """

    dead_letters: list[DeadLetterView]
    next_cursor: str | None


class ReplayAccepted(BaseModel):
    """The replayed job, which is pending again."""

    job_id: str
    status_url: str


class ReplayAllAccepted(BaseModel):
    """The replayed jobs. They are pending again, and start one by one."""

    replayed: int = Field(ge=0)
    seconds: float = Field(ge=0)
    """From now until the last of them is due."""
