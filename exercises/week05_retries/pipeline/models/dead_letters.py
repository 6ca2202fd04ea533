"""Jobs with retries and dead letters: what week 5 adds to a job's row, the list, and the replay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Key
from pydantic import BaseModel, Field

from pipeline.models.errors import JobNotFound
from pipeline.models.job import Job, Status, jobs, move, timing
from pipeline.models.listing import find, make_cursor, read_cursor
from pipeline.models.settings import job_settings
from pipeline.models.table import KEY, Item
from pipeline.retry_errors import DeadLetterNotFound

DEAD_INDEX = "by_dead_letter"
"""The index of the jobs with a dead letter, by `owner` and `dead_at`. It is sparse: a job without
`dead_at` is not in it. The migration `m0501_dead_letters` adds it to the table."""
READ_KEYS = 100
"""How many keys one query of `dead_jobs` reads."""


class Failures(BaseModel):
    """How often a step of a job failed since the job was accepted or replayed."""

    count: int = 0
    first_at: float = 0.0
    """When it failed first, in seconds since 1970."""


class Waiting(BaseModel):
    """A step that waits for its retry."""

    number: int
    """The number of the step, from 1."""
    arguments: list[Any]
    """The arguments of the step's task: references, never contents."""


class DeadLetter(BaseModel):
    """What an operator needs to understand why a job failed, and to decide whether to replay it."""

    step: str
    """The step that failed, or during which the worker died. `ingest`: no step had begun."""
    task: str
    """The task that failed the job: the step's task, or the entry task after a worker died."""
    arguments: list[Any]
    """The arguments of the step's task: references, never contents."""
    kind: str
    """The stable name of the error, as in the job's `error.type`."""
    message: str
    """The text for clients, as in the job's `error.message`."""
    exception: str
    """The exception's class, with its module."""
    detail: str
    """The end of the traceback. Only operators see it: the API never shows it."""
    attempts: int
    """How many attempts of the step raised an error."""
    deliveries: int
    """How often a worker started the job."""
    first_at: float
    """When the step failed first. If it never raised an error: when the job was accepted."""
    last_at: float
    """When the job failed. Both times are in seconds since 1970."""
    fingerprint: str
    """Equal for failures of the same kind."""


class ReliableJob(Job):
    """A job with the attributes that week 5 adds to its row."""

    failures: dict[str, Failures] = Field(default_factory=dict)
    """The failures of each step, by the step's name."""
    waiting: Waiting | None = None
    lost_messages: int = 0
    """How many deliveries were needed because a message was lost, while no worker had died."""
    dead_letter: DeadLetter | None = None
    dead_at: float | None = None
    replays: int = 0
    """How often the job was replayed."""

    @classmethod
    def of(cls, job: Job) -> ReliableJob:
        """Return the same job with week 5's attributes."""
        return cls(**job.model_dump())


@dataclass(frozen=True)
class DeadPage:
    """A page of jobs with dead letters. `cursor` leads to the next page. None: this is the last."""

    jobs: list[ReliableJob]
    cursor: str | None


def find_dead(job_id: str, owner: str) -> ReliableJob:
    """Return the owner's job with this id, if it has a dead letter. Given to students complete.

    Raises:
        DeadLetterNotFound: the owner has no such job, or the job has no dead letter.
    """
    try:
        job = ReliableJob.of(find(job_id, owner))
    except JobNotFound:
        raise DeadLetterNotFound from None
    if job.dead_letter is None:
        raise DeadLetterNotFound
    return job


def page_of_dead(owner: str, limit: int, cursor: str | None) -> DeadPage:
    """Return up to `limit` of an owner's jobs with a dead letter, newest first. Given to students complete.

    The index lags behind the rows, so a page may be short although it is not the last.

    Raises:
        InvalidCursor: the cursor was not made by this function.
    """
    start = _place(cursor, owner) if cursor else None
    keys, start = _keys(owner, limit, start, newest_first=True)
    found = [job for key in keys if (job := _dead_or_none(key[KEY], owner))]
    after = make_cursor({**start, "created_at": start["dead_at"]}) if start else None
    return DeadPage(found, after)


def _place(cursor: str, owner: str) -> Item:
    """Return the place of a cursor in this index, where the time is `dead_at`."""
    place = read_cursor(cursor, owner)
    place["dead_at"] = place.pop("created_at")
    return place


def _keys(
    owner: str, limit: int, start: Item | None, *, newest_first: bool
) -> tuple[list[Item], Item | None]:
    where = Key("owner").eq(owner)
    return jobs().query(DEAD_INDEX, where, limit=limit, start=start, newest_first=newest_first)


def _dead_or_none(job_id: str, owner: str) -> ReliableJob | None:
    try:
        return find_dead(job_id, owner)
    except DeadLetterNotFound:
        return None


def dead_jobs(owner: str) -> Iterator[ReliableJob]:
    """Yield all of an owner's jobs with a dead letter, oldest first. Given to students complete."""
    start: Item | None = None
    while True:
        keys, start = _keys(owner, READ_KEYS, start, newest_first=False)
        for key in keys:
            if job := _dead_or_none(key[KEY], owner):
                yield job
        if start is None:
            return


def replay(job: ReliableJob, due_in: float | None = None) -> ReliableJob:
    """Make a job with a dead letter pending again, in one conditional write.

    This function sends no message. The outbox sends one when the job is due.

    Args:
        job: the job as it was read.
        due_in: seconds until the job is due. None: `publish_seconds`, for a caller that sends the
            message itself.

    Returns:
        The job as it is after the write.

    Raises:
        JobConflict: the job has changed since it was read. Nothing was written.
    """
    wait = job_settings().publish_seconds if due_in is None else due_in
    start: dict[str, Any] = {"percent": 0, "steps_done": 0, "step": None, "steps": {}}
    # TODO 5.6:
    #   a) Write once, with `move` to `Status.PENDING` and `generation=job.generation`. The
    #      generation that was read rejects the write if the job was replayed and has failed again
    #      since then.
    #   b) Write everything in `start`, which sets the progress back to the first step.
    #   c) Remove what describes the failure, by the value None: `error`, `dead_letter`, `dead_at`,
    #      `failures`, `lost_messages` and `waiting`.
    #   d) Set `deliveries` to 0 and `replays` to `job.replays + 1`.
    #   e) Write everything that `timing(job.id, Status.PENDING, wait)` returns, so that the job is
    #      due after `wait` seconds.
    #   f) Return the result of `move` as a `ReliableJob`, and let a `JobConflict` leave the
    #      function.
    raise NotImplementedError("5.6")
