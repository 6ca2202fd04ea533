"""How a job comes into being: once, however often it is asked for."""

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
    """What a request led to."""

    job_id: str
    replayed: bool
    """Whether an earlier request with the same key had made the job."""


def create(document: DocumentRef, owner: str) -> Created:
    """Make the job of a document, unless there is one with this id. Given."""
    item = new_item(document, owner)
    job_id = item.pop(KEY)
    try:
        jobs().update(job_id, item, Attr(KEY).not_exists())
    except ConditionFailed:
        return Created(job_id, replayed=True)
    return Created(job_id, replayed=False)


def record_id(owner: str, key: str) -> str:
    """The id of the item that remembers an idempotency key. Another owner's same key is another."""
    return f"idem#{owner}#{hashlib.sha256(key.encode()).hexdigest()}"


def fingerprint(document: DocumentRef) -> str:
    """Equal for requests that ask for the same: same content, name and type. Ids do not count."""
    asked = document.model_dump(mode="json", exclude={"document_id"})
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def create_once(document: DocumentRef, owner: str, key: str) -> Created:
    """Make the job of a document, unless this owner sent the idempotency key before.

    Raises:
        IdempotencyKeyReused: the key came with another document then.
    """
    record = {
        KEY: record_id(owner, key),
        "job_id": document.document_id,
        "fingerprint": fingerprint(document),
        EXPIRY: int(moment(job_settings().idempotency_seconds)),
    }
    # TODO 4.4: Write the job (`new_item`) and `record` together: both or none (`put_together`). If
    #   one could be there without the other, which promise would be broken?
    #   The job's id must be new. The record may be new, or replace one that has expired and that
    #   DynamoDB has not deleted yet.
    #   When it fails, an earlier request was faster: what was `found` in the record's place says
    #   which job it made, and for which document.
    raise NotImplementedError("4.4")
