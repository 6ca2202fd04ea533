"""Endpoints: where an owner wants to be told, about what, and with which secrets.

All endpoints of an owner are one item of the jobs table, `webhooks#OWNER`, and each is one of its
attributes. So the end of a job reads them at once, as they are at that moment, and the limit on their
number is one condition. An index would lag behind, and forget who registered just now.

The secrets are in the table as they are: HMAC needs the secret itself, so a hash would not do.
DynamoDB encrypts the table's disks; whoever may read the table may sign. Give that right to this
program alone. The API shows a secret once, when it is made, and no log has one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr
from pydantic import BaseModel, ConfigDict, Field

from pipeline.models.job import jobs
from pipeline.models.table import KEY, ConditionFailed, Item, moment
from pipeline.webhooks.errors import EndpointConflict, EndpointNotFound, TooManyEndpoints
from pipeline.webhooks.settings import webhook_settings
from pipeline.webhooks.signing import new_secret

ENDPOINT_PREFIX = "ep_"


class Event(StrEnum):
    """What an endpoint can be told about."""

    COMPLETED = "job.completed"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"


class Endpoint(BaseModel):
    """One endpoint, as it was when it was read. Times are seconds since 1970 (UTC)."""

    model_config = ConfigDict(frozen=True)

    id: str
    url: str
    events: tuple[Event, ...]
    created_at: float
    secret: str = Field(repr=False)
    old_secret: str | None = Field(None, repr=False)
    old_secret_until: float | None = None
    """Until when the secret before this one signs too."""
    disabled_at: float | None = None
    disabled_because: str | None = None


def item_id(owner: str) -> str:
    """The item that holds an owner's endpoints."""
    return f"webhooks#{owner}"


def register(owner: str, url: str, events: tuple[Event, ...]) -> Endpoint:
    """Make an endpoint. The caller has checked the address.

    Raises:
        TooManyEndpoints: the owner has as many as are allowed.
    """
    endpoint_id = ENDPOINT_PREFIX + uuid4().hex
    new = {
        "id": endpoint_id,
        "url": url,
        "events": [event.value for event in events],
        "created_at": moment(),
        "secret": new_secret(),
    }
    room = Attr("count").not_exists() | Attr("count").lt(webhook_settings().webhook_endpoints)
    try:
        jobs().update(item_id(owner), {endpoint_id: new}, room, add={"count": 1})
    except ConditionFailed:
        raise TooManyEndpoints from None
    return Endpoint(**new)


def of_owner(owner: str) -> list[Endpoint]:
    """An owner's endpoints, oldest first, as they are now."""
    item = jobs().get(item_id(owner)) or {}
    found = [Endpoint(**item[name]) for name in item if name.startswith(ENDPOINT_PREFIX)]
    return sorted(found, key=lambda endpoint: (endpoint.created_at, endpoint.id))


def find(owner: str, endpoint_id: str) -> Endpoint:
    """One of an owner's endpoints. Raises EndpointNotFound, also where it is another owner's."""
    for endpoint in of_owner(owner):
        if endpoint.id == endpoint_id:
            return endpoint
    raise EndpointNotFound


def remove(owner: str, endpoint_id: str) -> None:
    """Forget an endpoint. Deliveries on their way to it end. Raises EndpointNotFound."""
    find(owner, endpoint_id)
    try:
        there = Attr(endpoint_id).exists()
        jobs().update(item_id(owner), {endpoint_id: None}, there, add={"count": -1})
    except ConditionFailed:
        raise EndpointNotFound from None


def disable(owner: str, endpoint: Endpoint, why: str) -> None:
    """Send nothing there any more, until its owner enables it. Does nothing where it is gone."""
    try:
        _change(owner, endpoint, {"disabled_at": moment(), "disabled_because": why})
    except EndpointConflict:
        return


def enable(owner: str, endpoint: Endpoint) -> Endpoint:
    """Send there again. Raises EndpointConflict."""
    return _change(owner, endpoint, {"disabled_at": None, "disabled_because": None})


def rotate(owner: str, endpoint: Endpoint) -> Endpoint:
    """Give an endpoint a new secret, which signs from now on.

    Raises:
        EndpointConflict: somebody else has done so in this moment. Nothing was changed.
    """
    # BEGIN SOLUTION 6.5
    # ? The receiver needs time to learn the new secret (`new_secret`). Until then it knows the old
    # ? one alone: keep that, and say until when it signs (`webhook_rotation_seconds` from now).
    # ? `_change` writes it, if the endpoint's secret is still the one that you have read.
    changes = {
        "secret": new_secret(),
        "old_secret": endpoint.secret,
        "old_secret_until": moment(webhook_settings().webhook_rotation_seconds),
    }
    return _change(owner, endpoint, changes)
    # END SOLUTION


def signing_secrets(endpoint: Endpoint) -> list[str]:
    """The secrets that sign a webhook to this endpoint now, the newest first."""
    if endpoint.old_secret is None:
        return [endpoint.secret]
    # BEGIN SOLUTION 6.5
    # ? The secret was rotated. Which of the two signs, and which no more? `moment()` is now.
    # ? A receiver that has not learned the new one yet must be able to check, until the old one's time
    # ? is over; after that nobody may sign with it.
    if moment() < (endpoint.old_secret_until or 0):
        return [endpoint.secret, endpoint.old_secret]
    return [endpoint.secret]
    # END SOLUTION


def _change(owner: str, endpoint: Endpoint, changes: Item) -> Endpoint:
    """Write `changes` if the endpoint is there, with the secret that it had."""
    unchanged = Attr(KEY).exists() & Attr(f"{endpoint.id}.secret").eq(endpoint.secret)
    named: dict[str, Any] = {f"{endpoint.id}.{name}": value for name, value in changes.items()}
    try:
        item = jobs().update(item_id(owner), named, unchanged)
    except ConditionFailed:
        raise EndpointConflict from None
    return Endpoint(**item[endpoint.id])
