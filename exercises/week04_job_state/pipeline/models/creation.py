"""Creates jobs. A repeated request with the same idempotency key creates no second job."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr

from pipeline.documents import DocumentRef
from pipeline.models.errors import IdempotencyKeyReused
from pipeline.models.job import jobs, new_item
from pipeline.models.settings import job_settings
from pipeline.models.table import EXPIRY, KEY, ConditionFailed, moment


@dataclass(frozen=True)
class Created:
    """The job that a request led to."""

    job_id: str
    replayed: bool
    """Whether an earlier request with the same key created the job."""


def create(document: DocumentRef, owner: str) -> Created:
    """Create the job of a document, unless a job with this id exists.

    Returns:
        The job's id. `replayed` is True if the job existed already.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    item = new_item(document, owner)
    job_id = item.pop(KEY)
    try:
        jobs().update(job_id, item, Attr(KEY).not_exists())
    except ConditionFailed:
        return Created(job_id, replayed=True)
    return Created(job_id, replayed=False)


def record_id(owner: str, key: str) -> str:
    """Return the id of the item that records an idempotency key.

    The owner is part of the id, so two owners may use the same key.
    """
    return f"idem#{owner}#{hashlib.sha256(key.encode()).hexdigest()}"


def fingerprint(document: DocumentRef) -> str:
    """Return a hash of the document's content, name and type.

    Two requests for the same document have the same fingerprint: the document id does not count.
    """
    asked = document.model_dump(mode="json", exclude={"document_id"})
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def create_once(document: DocumentRef, owner: str, key: str) -> Created:
    """Create the job of a document, unless this owner has sent the idempotency key before.

    Args:
        document: a reference with a new id. The job gets the same id.
        owner: the owner of the job, and of the key.
        key: the idempotency key that the client sent.

    Returns:
        The job that the first request with this key created.

    Raises:
        IdempotencyKeyReused: the owner used this key for another document, and the record of that
            has not expired.
        JobStoreUnavailable: DynamoDB cannot be reached.
    """
    record = {
        KEY: record_id(owner, key),
        "job_id": document.document_id,
        "fingerprint": fingerprint(document),
        EXPIRY: int(moment(job_settings().idempotency_seconds)),
    }
    # TODO 4.4:
    #   a) Write the job (`new_item`) and `record` in one transaction, so that either both are
    #      written or neither: `jobs().put_together`. With the job first, the record is `found[1]`.
    #   b) Write the job only if no item has its id (`KEY`).
    #   c) Write the record only if no item has its id, or if the stored record has expired: its
    #      `EXPIRY` has passed (`.lte(moment())`). DynamoDB deletes expired items late.
    #   d) If both were written, return `Created` with the document's id and `replayed=False`.
    #   e) `ConditionFailed.found[1]` is the record of an earlier request. If its `fingerprint` is
    #      not the one of `record`, raise `IdempotencyKeyReused`.
    #   f) If the fingerprints are equal, return `Created` with the `job_id` of the stored record
    #      and `replayed=True`. If that is this document's own id, our write succeeded and only the
    #      response was lost: then `replayed` is False.
    #   g) If `found[1]` is None, let `ConditionFailed` out: the job's id was not new. Let every
    #      other error out too.
    raise NotImplementedError("4.4")
