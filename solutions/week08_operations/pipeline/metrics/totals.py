"""How many jobs there are by state, of all owners. Given to students complete.

The index `by_status` holds the keys of each item that has an owner and a state, so it is small: a read of
1 MB covers some 10,000 jobs. A count is never more than `MAX_READS` reads, and an API process counts at
most every `totals_seconds`, however often it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.models.counting import STATUS_INDEX
from pipeline.models.errors import JobStoreUnavailable
from pipeline.models.job import Status
from pipeline.models.settings import job_settings
from pipeline.models.table import EXPIRY, KEY, Item, make_client, moment

MAX_READS = 30
OTHER_KINDS = "#"
"""Part of the key of an item that is not a job, such as a webhook delivery."""


@dataclass(frozen=True)
class Totals:
    """All jobs by state, when they were counted."""

    by_status: dict[Status, int]
    complete: bool
    """False: there are more jobs than one count may read."""
    as_of: float
    """Seconds since 1970."""


@cache
def _client() -> Any:
    return make_client()


def count_all() -> Totals:
    """Count the jobs of all owners that have not expired. Blocks.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached, or is still building the index.
    """
    now = moment()
    found = dict.fromkeys(Status, 0)
    start: Item | None = None
    for _ in range(MAX_READS):
        more = {"ExclusiveStartKey": start} if start else {}
        try:
            table = job_settings().jobs_table
            page = _client().scan(TableName=table, IndexName=STATUS_INDEX, **more)
        except (ClientError, BotoCoreError) as error:
            raise JobStoreUnavailable from error
        for item in page["Items"]:
            alive = item.get(EXPIRY) is None or item[EXPIRY] > now
            if alive and OTHER_KINDS not in item[KEY]:
                found[Status(item["status"])] += 1
        start = page.get("LastEvaluatedKey")
        if start is None:
            return Totals(found, complete=True, as_of=float(now))
    return Totals(found, complete=False, as_of=float(now))
