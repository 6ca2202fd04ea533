"""Removes what expired and cancelled jobs leave behind, a little in each round. Given to students complete.

DynamoDB deletes the row of an expired job and tells no process, and a late worker can store an artifact
after its job was deleted. So the clean-up walks through the blob store, as a garbage collector does. A round
reads one page of keys and stores the last one in the jobs table. The index keeps the documents of completed
jobs, however old they are: only `DELETE /documents/{id}` removes them.
"""

from __future__ import annotations

import time
from itertools import groupby, islice

from celery.utils.log import get_task_logger

from pipeline.documents import UPLOAD_PREFIX
from pipeline.errors import TransientError
from pipeline.lifecycle.deletion import ARTIFACTS, erase
from pipeline.models.blob_uses import release, remove_expired
from pipeline.models.job import Job, Status, jobs
from pipeline.models.listing import read_row
from pipeline.models.table import ALWAYS
from pipeline.steps.database import connection
from pipeline.storage import blob_store
from pipeline.tasks.celery_config import app

logger = get_task_logger(__name__)

PAGE_KEYS = 200
"""How many keys of the blob store one round looks at."""
ROUND_SECONDS = 20.0
"""After this time a round looks at no further document."""
PLACE = "clean-up#place"
"""The id of the item that holds the last key of the round before."""
DELETE_OLD_MARKS = """
DELETE FROM withdrawn WHERE ctid IN (
    SELECT ctid FROM withdrawn WHERE withdrawn_at < now() - interval '1 day' LIMIT 500
)
"""
"""After a day no worker can be late any more: a step is killed after 16 minutes."""


def group_of(key: str) -> str:
    """Return what a key belongs to: the folder of one document's artifacts, or the upload itself."""
    return "/".join(key.split("/")[:2])


def clean_page(after: str) -> str:
    """Look at the next page of keys.

    Args:
        after: the last key of the round before, or "" to begin.

    Returns:
        The last key that was looked at, or "" if the walk has reached its end.
    """
    end = time.monotonic() + ROUND_SECONDS
    keys = list(islice(blob_store().list(after=after), PAGE_KEYS))
    for name, members in groupby(keys, group_of):
        after = list(members)[-1]
        if name.startswith(ARTIFACTS):
            clean_artifacts(name.removeprefix(ARTIFACTS))
        elif name.startswith(f"{UPLOAD_PREFIX}/"):
            release(name)
        if time.monotonic() > end:
            return after
    return after if len(keys) == PAGE_KEYS else ""


def clean_artifacts(document_id: str) -> None:
    """Remove the artifacts of a job that has expired, was cancelled, or has no row any more."""
    row = read_row(document_id)
    job = Job.from_item(row) if row else None
    if job and job.status == Status.CANCELLED:
        erase(document_id, job.owner)
    elif job is None or job.expired:
        for key in list(blob_store().list(f"{ARTIFACTS}{document_id}/")):
            blob_store().delete(key)
    if row and remove_expired(row):
        logger.info("job %s has expired", document_id)


@app.task(name="pipeline.clean_up", ignore_result=True, acks_late=False)
def clean_up() -> None:
    """Look at the next page of the blob store. Two rounds at once do the same work, and no harm."""
    try:
        place = jobs().get(PLACE) or {}
        after = clean_page(place.get("after") or "")
        jobs().update(PLACE, {"after": after or None}, ALWAYS)
        with connection() as database:
            database.execute(DELETE_OLD_MARKS)
    except TransientError as error:  # the next round tries again
        logger.warning("nothing is cleaned up now: %s", error)
