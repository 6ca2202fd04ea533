"""How many jobs an owner has, by state. Given to students complete.

The index `by_status` holds an owner's jobs in the order of their states, and of each job nothing but its
keys. DynamoDB counts some 10,000 of them in one read, and sends the number alone. With 100,000 jobs a count
is 12 to 20 reads; it is never more than `MAX_READS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr, Key

from pipeline.models.job import Status, jobs
from pipeline.models.table import EXPIRY, Item, moment

STATUS_INDEX = "by_status"
"""Jobs by `owner` and `status`, with `expires_at`. The migration `m0701_job_counts` adds it."""
ORDER = (
    Status.PROCESSING,
    Status.PENDING,
    Status.FAILED,
    Status.CANCELLED,
    Status.COMPLETED,
)
"""The states in the order of counting: if a count is cut off, it is short of the least urgent ones."""
MAX_READS = 30
"""How many reads one count may cost, over all states. Each reads 1 MB at most."""


@dataclass(frozen=True)
class Counts:
    """An owner's jobs by state, when they were counted."""

    by_status: dict[Status, int]
    complete: bool
    """Whether all jobs were counted. If not, there are more than these."""
    as_of: float
    """Seconds since 1970: when the count began."""


def count_jobs(owner: str) -> Counts:
    """Count an owner's jobs that have not expired. Blocks.

    Raises:
        JobStoreUnavailable: DynamoDB is away, or still builds the index.
    """
    now = moment()
    alive = Attr(EXPIRY).not_exists() | Attr(EXPIRY).gt(now)
    found = dict.fromkeys(Status, 0)
    left = list(ORDER)
    start: Item | None = None
    for _ in range(MAX_READS):
        status = left[0]
        where = Key("owner").eq(owner) & Key("status").eq(status)
        count, start = jobs().count(STATUS_INDEX, where, keep=alive, start=start)
        found[status] += count
        if start is None:
            left.remove(status)
        if not left:
            return Counts(found, complete=True, as_of=float(now))
    return Counts(found, complete=False, as_of=float(now))
