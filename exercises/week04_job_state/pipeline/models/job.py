"""A job: one document's way through the pipeline, as one item of a DynamoDB table.

The job is the truth; a message is only a hint that there is something to do. Times are seconds
since 1970 (UTC).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from boto3.dynamodb.conditions import Attr
from kombu.utils.imports import symbol_by_name
from pydantic import BaseModel, ConfigDict

from pipeline.documents import DocumentRef
from pipeline.models.errors import JobConflict, JobNotFound
from pipeline.models.settings import job_settings
from pipeline.models.table import KEY, ConditionFailed, Item, Table, moment

KIND = "job"
"""The kind of an item that is a job. The outbox finds its handler by it."""
LIST_INDEX = "by_owner"
DUE_INDEX = "by_due_time"
DUE_SHARDS = 4
"""Into how many partitions the due index is spread: one alone would take every write."""


class Status(StrEnum):
    """A job's states."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ALLOWED: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.CANCELLED}),
    Status.PROCESSING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.CANCELLED: frozenset(),
}
"""Where a job may go from where it is. `STATE_MACHINE` is the same as a picture."""

STATE_MACHINE = """\
stateDiagram-v2
    [*] --> pending: accepted
    pending --> processing: acquired by a worker
    pending --> cancelled: cancelled
    processing --> completed: last step done
    processing --> failed: a step failed
    processing --> cancelled: cancelled
    failed --> pending: replayed
    completed --> [*]
    cancelled --> [*]
"""
"""The state machine in Mermaid, as the API's page and the lesson show it."""

FINISHED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})


class Job(BaseModel):
    """A job as it was when it was read. Attributes of later weeks are in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    owner: str
    status: Status
    document: DocumentRef
    created_at: float
    updated_at: float
    finished_at: float | None = None
    expires_at: float | None = None
    """When it is no longer shown. Finished jobs alone have it."""
    due_at: float | None = None
    """When the outbox handles it. Jobs that are not finished have it."""
    deliveries: int = 0
    """How often a worker has begun with it."""
    generation: int = 0
    """Counts whoever takes the job or a step of it. A write with an older number is refused."""
    lease_owner: str | None = None
    """The worker that has it now."""
    lease_until: float | None = None
    """Until when nobody else may begin with it."""
    step: str | None = None
    """The step that was begun last."""
    steps_done: int = 0
    percent: int = 0
    steps: dict[str, dict[str, float]] = {}
    """`{"parse": {"started_at": …, "ended_at": …}, …}`"""
    result: Any = None
    error: dict[str, str] | None = None
    """`{"type": …, "message": …}`, fit for a client."""
    revision: int = 0
    """Counts the writes to this row."""

    @classmethod
    def from_item(cls, item: Item) -> Job:
        """The job that an item of the table holds."""
        result = json.loads(item["result"]) if "result" in item else None
        return cls(**{**item, "result": result})

    @property
    def expired(self) -> bool:
        """Whether it is to be deleted, and so no longer there for a client."""
        return self.expires_at is not None and self.expires_at <= moment()


def due_shard(job_id: str) -> int:
    """The partition of the due index that a job is in, from 0 up to `DUE_SHARDS`."""
    return zlib.crc32(job_id.encode()) % DUE_SHARDS


def _index(name: str, partition: str, sort: str, projection: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": _keys(partition, sort),
        "Projection": {"ProjectionType": projection},
    }


def _keys(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def _attributes(**types: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def table_definition() -> dict[str, Any]:
    """The jobs table as arguments of `CreateTable`, without its name. `pipeline.migrate` uses it.

    One item a job, found by `KEY`. `LIST_INDEX` gives an owner's jobs by the time they were made,
    with all attributes; `DUE_INDEX` gives the keys of a shard's jobs by the time they are due.
    """
    # TODO 4.1: Name every attribute that a key of the table or of an index uses, with its type
    #   (`_attributes`), the table's own key (`_keys`), and both indexes (`_index`: look at `Job`
    #   for the names, and project no more than each index is asked for). The table is paid per
    #   request.
    #   Why is the status no key of any index? Think of where all new jobs would be written.
    raise NotImplementedError("4.1")


@cache
def jobs() -> Table:
    """The jobs table. `ROW_WRITTEN` of `pipeline.wiring` names the function that hears of each write.

    Imported when it is called, because `pipeline.wiring` names modules that import this one.
    """
    from pipeline import wiring

    name = job_settings().jobs_table
    listener: str | None = getattr(wiring, "ROW_WRITTEN", None)
    return Table(name, symbol_by_name(listener)) if listener else Table(name)


def timing(job_id: str, status: Status, due_in: float = 0.0) -> dict[str, Any]:
    """What a job that enters `status` now has as `due_shard`, `due_at` and `expires_at`.

    Args:
        job_id: the job.
        status: the one that it enters.
        due_in: seconds until the outbox handles it, where that is needed at all.

    Returns a value for each of the three attributes; None where the job must not have it.
    """
    # TODO 4.1: A finished job needs nobody, and may be deleted `job_keep_seconds` from now: a whole
    #   number of seconds, as DynamoDB wants it. Any other job must never be deleted, and must be
    #   found when it is due. An index is sparse: without its attributes an item is not in it.
    raise NotImplementedError("4.1")


def new_item(document: DocumentRef, owner: str) -> Item:
    """The item of a job that nobody has begun with. It is due when its message must be lost. Given."""
    job_id, now = document.document_id, moment()
    item = {
        KEY: job_id,
        "kind": KIND,
        "owner": owner,
        "status": Status.PENDING.value,
        "document": document.model_copy(update={"owner": owner}).as_message(),
        "created_at": now,
        "updated_at": now,
        "steps": {},
        **timing(job_id, Status.PENDING, due_in=job_settings().publish_seconds),
    }
    return {name: value for name, value in item.items() if value is not None}


def move(
    job_id: str,
    to: Status,
    changes: Mapping[str, Any] | None = None,
    *,
    generation: int | None = None,
) -> Job:
    """Move a job to another status, in one conditional write, and return it as it is then.

    Args:
        job_id: the job.
        to: where it shall go.
        changes: what else is written with it.
        generation: the caller's, where only the worker that has the job may do this.

    Raises:
        JobNotFound: there is no such job.
        JobConflict: `ALLOWED` has no way there from where the job is, or another worker has taken
            it since. Nothing was written.
    """
    new = {"status": to.value, "lease_owner": None, "lease_until": None, **timing(job_id, to)}
    new |= {"finished_at": moment() if to in FINISHED else None, **(changes or {})}
    # TODO 4.2: Write `new` with `jobs().update`, under a condition that DynamoDB checks in the same
    #   moment: the job is in one of the states from which `ALLOWED` leads to `to`; and if the
    #   caller names its generation, the job still has it. To read first and write then is no
    #   answer:
    #   between the two another worker writes.
    #   When it fails, `ConditionFailed` has what was `found`: tell a lost race from no job at all.
    raise NotImplementedError("4.2")
