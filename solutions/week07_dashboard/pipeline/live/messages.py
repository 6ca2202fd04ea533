"""What is published when a job changes: the messages, and the channel they travel on.

Given to students complete.

A message is a hint. Redis does not keep it: a process that is not listening at that moment never gets it.
The truth is the job's row. So a stream begins with the rows, and repeats them from time to time.

There are two kinds:

    {"type": "job", "owner": "public", "job": {"id": …, "status": …, "revision": 7, …}}
    {"type": "progress", "owner": "public", "progress": {"job_id": …, "step": "embed", "percent": 61}}

The first is sent after a row was written, and `job` is the public part of that row. The second is about
a step that runs. It is on no row.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from pipeline.models.job import Job

CHANNEL = "job-changes"
DATABASE = 2
"""The Redis database of caches and publish/subscribe. Channels do not belong to a database: a server
has one set of them. The number only keeps one address for all that is neither broker nor result."""
PUBLIC_FIELDS = {
    "id",
    "owner",
    "status",
    "document",
    "created_at",
    "updated_at",
    "finished_at",
    "expires_at",
    "deliveries",
    "step",
    "steps_done",
    "percent",
    "steps",
    "result",
    "error",
    "revision",
}
"""The attributes of a row that its owner may see. Leases, tracebacks and waiting arguments are not."""


class Progress(BaseModel):
    """How far a job is within a step."""

    job_id: str
    step: str
    percent: Annotated[int, Field(ge=0, le=100)]
    """Of the whole job, not of the step."""


class JobChanged(BaseModel):
    """A row was written."""

    type: Literal["job"] = "job"
    owner: str
    job: Job


class StepProgressed(BaseModel):
    """A step that runs has done a part of its work."""

    type: Literal["progress"] = "progress"
    owner: str
    progress: Progress


Message = JobChanged | StepProgressed
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


def read_message(data: bytes | str) -> Message:
    """A message as it came from Redis.

    Raises:
        ValueError: it is none of ours.
    """
    return _MESSAGE.validate_json(data)


def job_message(job: Job) -> str:
    """The message that says that a job's row was written."""
    changed = JobChanged(owner=job.owner, job=job)
    return changed.model_dump_json(include={"type": True, "owner": True, "job": PUBLIC_FIELDS})
