"""A job: the state of one document in the pipeline, stored as one item of a DynamoDB table.

The item, also called the job's row, is the record of the job. A message only asks a worker to look
at the row. All times are seconds since 1970 (UTC).
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
"""The kind of an item that is a job. The outbox chooses the handler by the kind."""
LIST_INDEX = "by_owner"
"""The index that lists an owner's jobs."""
DUE_INDEX = "by_due_time"
"""The index that the outbox reads to find due jobs."""
DUE_SHARDS = 4
"""The number of partitions of the due index. A single one would take every write."""


class Status(StrEnum):
    """The states of a job."""

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
"""The states to which a job may change, by its state. `STATE_MACHINE` draws the same."""

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
"""The states in which no worker runs the job."""


class Job(BaseModel):
    """A job as it was when it was read. `model_extra` holds the attributes that later weeks add."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    owner: str
    status: Status
    document: DocumentRef
    created_at: float
    updated_at: float
    finished_at: float | None = None
    expires_at: float | None = None
    """The time from which the job is no longer shown. Only finished jobs have it."""
    due_at: float | None = None
    """The time at which the outbox handles the job. Only jobs that are not finished have it."""
    deliveries: int = 0
    """How often a worker has taken the whole job."""
    generation: int = 0
    """The fencing token. It rises by 1 each time a worker takes the job or one of its steps. A
    write with an older generation is rejected."""
    lease_owner: str | None = None
    """The worker that runs the job now. None between two steps."""
    lease_until: float | None = None
    """The time until which no other worker may take the job."""
    step: str | None = None
    """The name of the step that was begun last."""
    steps_done: int = 0
    """The number of steps that are done, 0 to 4."""
    percent: int = 0
    """The progress, 0 to 100."""
    steps: dict[str, dict[str, float]] = {}
    """`{"parse": {"started_at": …, "ended_at": …}, …}`"""
    result: Any = None
    error: dict[str, str] | None = None
    """`{"type": …, "message": …}`, safe to show to a client."""
    revision: int = 0
    """The number of writes to this row."""

    @classmethod
    def from_item(cls, item: Item) -> Job:
        """Return the job that an item of the table holds."""
        result = json.loads(item["result"]) if "result" in item else None
        return cls(**{**item, "result": result})

    @property
    def expired(self) -> bool:
        """Whether the job's time is over. An expired job is not shown, even if it still exists."""
        return self.expires_at is not None and self.expires_at <= moment()


def due_shard(job_id: str) -> int:
    """Return the job's partition of the due index, 0 to `DUE_SHARDS - 1`, computed from its id."""
    return zlib.crc32(job_id.encode()) % DUE_SHARDS


def _index(name: str, partition: str, sort: str, projection: str) -> dict[str, Any]:
    """Describe an index. The projection is `ALL` (whole items) or `KEYS_ONLY`."""
    return {
        "IndexName": name,
        "KeySchema": _keys(partition, sort),
        "Projection": {"ProjectionType": projection},
    }


def _keys(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    """Describe a key: a partition key, and a sort key if there is one."""
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def _attributes(**types: str) -> list[dict[str, str]]:
    """Describe the types of attributes: `_attributes(title="S", size="N")`."""
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def table_definition() -> dict[str, Any]:
    """Describe the jobs table. `python -m pipeline.migrate` creates it from this description.

    Each job is one item, which is found by its `KEY`. `LIST_INDEX` answers "which jobs has this
    owner, newest first?" and returns whole jobs. `DUE_INDEX` answers "which jobs of this shard are
    due?" and returns only keys, because the outbox reads the row again anyway.

    Returns:
        The arguments of DynamoDB's `CreateTable`, without the table's name: a dict with
        `AttributeDefinitions`, `KeySchema`, `GlobalSecondaryIndexes` and `BillingMode`.
    """
    # BEGIN SOLUTION 4.1
    # ? a) Return the four entries that the docstring names, without the table's name. Build them
    # ? with the helpers above: `_attributes`, `_keys` and `_index`.
    # ? b) The key of the table is `KEY` alone, without a sort key.
    # ? c) `LIST_INDEX` has the partition key `owner`, the sort key `created_at` and the projection
    # ? `ALL`.
    # ? d) `DUE_INDEX` has the partition key `due_shard`, the sort key `due_at` and the projection
    # ? `KEYS_ONLY`. No index has the status as its partition key.
    # ? e) Give the type of exactly those attributes that are keys of the table or of an index. Ids
    # ? and owners are text (`S`), times and shards are numbers (`N`).
    # ? f) The billing mode is `PAY_PER_REQUEST`.
    return {
        "AttributeDefinitions": _attributes(
            **{KEY: "S"}, owner="S", created_at="N", due_shard="N", due_at="N"
        ),
        "KeySchema": _keys(KEY),
        "GlobalSecondaryIndexes": [
            _index(LIST_INDEX, "owner", "created_at", "ALL"),
            _index(DUE_INDEX, "due_shard", "due_at", "KEYS_ONLY"),
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    # END SOLUTION


@cache
def jobs() -> Table:
    """Return the jobs table. `ROW_WRITTEN` of `pipeline.wiring` names the function that is called after
    each write.

    `pipeline.wiring` is imported in the function, because it names modules that import this one.
    """
    from pipeline import wiring

    name = job_settings().jobs_table
    listener: str | None = getattr(wiring, "ROW_WRITTEN", None)
    return Table(name, symbol_by_name(listener)) if listener else Table(name)


def timing(job_id: str, status: Status, due_in: float = 0.0) -> dict[str, Any]:
    """Calculate when a job is due and when it expires, for a job that enters `status` now.

    A job that is not finished must stay in the due index and must never be deleted. A finished job
    leaves the index and expires.

    Args:
        job_id: the id of the job.
        status: the state that the job enters.
        due_in: seconds from now until the outbox handles the job. Finished jobs do not use it.

    Returns:
        A dict with the keys `due_shard`, `due_at` and `expires_at`. The value is None if the job
        must not have this attribute.
    """
    # BEGIN SOLUTION 4.1
    # ? g) For a state in `FINISHED`: `due_shard` and `due_at` are None, so the job leaves the
    # ? sparse index. `expires_at` is `job_settings().job_keep_seconds` from now, as an `int`:
    # ? DynamoDB accepts only whole seconds since 1970.
    # ? h) For any other state: `due_shard` is what `due_shard(job_id)` returns, `due_at` is
    # ? `due_in` seconds from now as a `moment(…)`, and `expires_at` is None.
    if status in FINISHED:
        expires_at = int(moment(job_settings().job_keep_seconds))
        return {"due_shard": None, "due_at": None, "expires_at": expires_at}
    return {"due_shard": due_shard(job_id), "due_at": moment(due_in), "expires_at": None}
    # END SOLUTION


def new_item(document: DocumentRef, owner: str) -> Item:
    """Make the item of a new, pending job.

    It is due `publish_seconds` from now: if no worker has taken it by then, its message was lost.
    """
    job_id, now = document.document_id, moment()
    item = {
        KEY: job_id,
        "kind": KIND,
        "owner": owner,
        "status": Status.PENDING.value,
        "document": document.model_copy(update={"owner": owner}).as_message(),
        "blob_key": document.blob_key,
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
    """Change the status of a job with one conditional write.

    Args:
        job_id: the id of the job.
        to: the new status.
        changes: further attributes for the same write. None removes an attribute.
        generation: the caller's generation, if only the worker that has the job may do this. None
            if anybody may, for example a customer who cancels.

    Returns:
        The job as it is after the write.

    Raises:
        JobNotFound: no job has this id.
        JobConflict: `ALLOWED` does not lead from the job's status to `to`, or the job has another
            generation. Nothing was written.
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    new = {"status": to.value, "lease_owner": None, "lease_until": None, **timing(job_id, to)}
    new |= {"finished_at": moment() if to in FINISHED else None, **(changes or {})}
    # BEGIN SOLUTION 4.2
    # ? a) Write all of `new` with one call of `jobs().update`. Do not read the row first: another
    # ? process can write between a read and a write.
    # ? b) The condition of the write: the job's status is one from which `ALLOWED` leads to `to`.
    # ? c) If `generation` is not None, the condition also requires that the job has this
    # ? generation. 0 is a generation like any other.
    # ? d) Return the item that `update` returns as a `Job`: `Job.from_item`. Do not read the row
    # ? after the write either: it can have changed again.
    # ? e) If the condition fails, `ConditionFailed.found[0]` is the stored item, or None. Raise
    # ? `JobConflict` if there is an item, and `JobNotFound` if there is none. Let every other error
    # ? out.
    condition = Attr("status").is_in([one.value for one in Status if to in ALLOWED[one]])
    if generation is not None:
        condition &= Attr("generation").eq(generation)
    try:
        return Job.from_item(jobs().update(job_id, new, condition))
    except ConditionFailed as failed:
        raise JobConflict if failed.found[0] else JobNotFound from None
    # END SOLUTION
