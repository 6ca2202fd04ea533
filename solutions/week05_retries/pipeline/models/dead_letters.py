"""Jobs that can be retried and die: what week 5 adds to a job's row, and the list of the dead."""

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
"""Jobs with a dead letter, by `owner` and `dead_at`. All others lack `dead_at`, and are not in it. The
migration `m0501_dead_letters` adds this index to the table."""
READ_KEYS = 100
"""How many keys one query reads, where all dead letters are wanted."""


class Failures(BaseModel):
    """How often a step of a job failed, since it was accepted or replayed."""

    count: int = 0
    first_at: float = 0.0


class Waiting(BaseModel):
    """A step that waits to be tried again."""

    number: int
    """From 1."""
    arguments: list[Any]
    """What its task is called with: references, never contents."""


class DeadLetter(BaseModel):
    """What is needed to understand why a job failed, and whether to replay it."""

    step: str
    """The step that failed, or that ended its worker. `ingest`: none was begun."""
    task: str
    """The task that gave the job up: the step's, or the entry task where a worker was lost."""
    arguments: list[Any]
    """What it was called with: references, never contents."""
    kind: str
    """The stable name of the error, as in the job's `error.type`."""
    message: str
    """As in the job's `error.message`: fit for a client."""
    exception: str
    """The exception's class, with its module."""
    detail: str
    """The end of the traceback, for the operator alone: the API never shows it."""
    attempts: int
    """How often the step raised an error."""
    deliveries: int
    """How often a worker had begun with the job."""
    first_at: float
    """When the step failed first; where it never said so, when the job was accepted."""
    last_at: float
    """When it failed for good."""
    fingerprint: str
    """Equal for failures of the same kind."""


class ReliableJob(Job):
    """A job with what week 5 keeps on its row."""

    failures: dict[str, Failures] = Field(default_factory=dict)
    """By the step's name."""
    waiting: Waiting | None = None
    lost_messages: int = 0
    """Deliveries that were needed because a message was lost, and no worker."""
    dead_letter: DeadLetter | None = None
    dead_at: float | None = None
    replays: int = 0
    """How often somebody has replayed it."""

    @classmethod
    def of(cls, job: Job) -> ReliableJob:
        return cls(**job.model_dump())


@dataclass(frozen=True)
class DeadPage:
    """Some dead letters. `cursor` leads to the next ones; None: these were the last."""

    jobs: list[ReliableJob]
    cursor: str | None


def find_dead(job_id: str, owner: str) -> ReliableJob:
    """The owner's job with this id, if it has a dead letter. Raises DeadLetterNotFound."""
    try:
        job = ReliableJob.of(find(job_id, owner))
    except JobNotFound:
        raise DeadLetterNotFound from None
    if job.dead_letter is None:
        raise DeadLetterNotFound
    return job


def page_of_dead(owner: str, limit: int, cursor: str | None) -> DeadPage:
    """Up to `limit` of an owner's jobs with a dead letter, newest first.

    A page may be short, and still not the last: the index lags behind the rows.

    Raises:
        InvalidCursor: it is none of ours.
    """
    start = _place(cursor, owner) if cursor else None
    keys, start = _keys(owner, limit, start, newest_first=True)
    found = [job for key in keys if (job := _dead_or_none(key[KEY], owner))]
    after = make_cursor({**start, "created_at": start["dead_at"]}) if start else None
    return DeadPage(found, after)


def _place(cursor: str, owner: str) -> Item:
    """A cursor is an id and a time; in this index the time is `dead_at`."""
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
    """All of an owner's jobs with a dead letter, oldest first."""
    start: Item | None = None
    while True:
        keys, start = _keys(owner, READ_KEYS, start, newest_first=False)
        for key in keys:
            if job := _dead_or_none(key[KEY], owner):
                yield job
        if start is None:
            return


def replay(job: ReliableJob, due_in: float | None = None) -> ReliableJob:
    """Let a job with a dead letter start anew, in one conditional write.

    Args:
        job: as it was when it was read.
        due_in: seconds until the outbox publishes it; None: `publish_seconds`, for whoever
            publishes it at once.

    Raises:
        JobConflict: somebody else was faster. Nothing was written.
    """
    wait = job_settings().publish_seconds if due_in is None else due_in
    anew: dict[str, Any] = {"percent": 0, "steps_done": 0, "step": None, "steps": {}}
    # BEGIN SOLUTION 5.6
    # ? `move` the job back to where every job begins. What it says of its failure goes:
    # ? the error, the dead letter with its time, and what was counted (failures, deliveries, lost
    # ? messages, a step that waits). Count the replay itself. `timing` says when a job is due.
    # ? Two people press the button at once: name the generation that was read, so that neither
    # ? replays what has failed again in the meantime.
    cleared = dict.fromkeys(
        ["error", "dead_letter", "dead_at", "failures", "lost_messages", "waiting"]
    )
    counts = {"deliveries": 0, "replays": job.replays + 1}
    due = timing(job.id, Status.PENDING, wait)
    changes = {**anew, **cleared, **counts, **due}
    moved = move(job.id, Status.PENDING, changes, generation=job.generation)
    return ReliableJob.of(moved)
    # END SOLUTION
