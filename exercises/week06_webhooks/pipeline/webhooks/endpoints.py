"""Endpoints: the URLs at which an owner receives webhooks, with their events and secrets.

All endpoints of an owner are in one item of the jobs table, `webhooks#OWNER`. Each endpoint is an
attribute of this item. So one strongly consistent read returns all of them, and one condition limits
their number. An index would lag, and would miss an endpoint that was registered just before.

The table contains the secrets in plain text, because HMAC needs the secret itself and not a hash of it.
DynamoDB encrypts its disks, but everybody who may read the table can sign webhooks. Give this right to
this program only. The API returns a secret once, when it is created, and no log contains one.
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
    """The events that an endpoint can receive."""

    COMPLETED = "job.completed"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"


class Endpoint(BaseModel):
    """One endpoint, as it was when it was read. All times are seconds since 1970 (UTC)."""

    model_config = ConfigDict(frozen=True)

    id: str
    url: str
    events: tuple[Event, ...]
    created_at: float
    secret: str = Field(repr=False)
    old_secret: str | None = Field(None, repr=False)
    old_secret_until: float | None = None
    """Until this time, the old secret signs too."""
    disabled_at: float | None = None
    disabled_because: str | None = None


def item_id(owner: str) -> str:
    """The key of the item that contains an owner's endpoints."""
    return f"webhooks#{owner}"


def register(owner: str, url: str, events: tuple[Event, ...]) -> Endpoint:
    """Create an endpoint. The caller has checked the URL.

    Raises:
        TooManyEndpoints: the owner already has the maximum number.
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
    """Return all endpoints of an owner, oldest first, by a strongly consistent read."""
    item = jobs().get(item_id(owner)) or {}
    found = [Endpoint(**item[name]) for name in item if name.startswith(ENDPOINT_PREFIX)]
    return sorted(found, key=lambda endpoint: (endpoint.created_at, endpoint.id))


def find(owner: str, endpoint_id: str) -> Endpoint:
    """Return one endpoint of this owner.

    Raises:
        EndpointNotFound: there is none with this id, or it belongs to another owner.
    """
    for endpoint in of_owner(owner):
        if endpoint.id == endpoint_id:
            return endpoint
    raise EndpointNotFound


def remove(owner: str, endpoint_id: str) -> None:
    """Delete an endpoint. Its pending deliveries are discarded. Raises EndpointNotFound."""
    find(owner, endpoint_id)
    try:
        there = Attr(endpoint_id).exists()
        jobs().update(item_id(owner), {endpoint_id: None}, there, add={"count": -1})
    except ConditionFailed:
        raise EndpointNotFound from None


def disable(owner: str, endpoint: Endpoint, why: str) -> None:
    """Disable an endpoint until its owner enables it. If it was deleted meanwhile, do nothing."""
    try:
        _change(owner, endpoint, {"disabled_at": moment(), "disabled_because": why})
    except EndpointConflict:
        return


def enable(owner: str, endpoint: Endpoint) -> Endpoint:
    """Enable an endpoint again. Raises EndpointConflict."""
    return _change(owner, endpoint, {"disabled_at": None, "disabled_because": None})


def rotate(owner: str, endpoint: Endpoint) -> Endpoint:
    """Give an endpoint a new secret, which signs from now on. The old secret signs too for a time.

    Args:
        owner: the owner of the endpoint.
        endpoint: the endpoint as it was read.

    Returns:
        The endpoint with the new secret.

    Raises:
        EndpointConflict: the secret has changed since the endpoint was read. Nothing was written.
    """
    # TODO 6.5:
    #   a) Set `secret` to a new secret (`new_secret()`).
    #   b) Set `old_secret` to the secret that the endpoint has had until now, also if an earlier
    #      rotation is still running.
    #   c) Set `old_secret_until` to `webhook_rotation_seconds` (of `webhook_settings()`) from now.
    #      `moment(seconds)` returns the time that many seconds from now.
    #   d) Write all three with one call of `_change`, and return its result. `_change` raises
    #      `EndpointConflict` if the secret in the table is not that of `endpoint` any more. Let it
    #      pass.
    raise NotImplementedError("6.5")


def signing_secrets(endpoint: Endpoint) -> list[str]:
    """Return the secrets that sign a webhook to this endpoint now, the newest first."""
    if endpoint.old_secret is None:
        return [endpoint.secret]
    # TODO 6.5:
    #   e) While `moment()` is before `old_secret_until`, return a list of `secret` and
    #      `old_secret`, in this order.
    #   f) From `old_secret_until` on, or if it is None, return a list of `secret` only.
    raise NotImplementedError("6.5")


def _change(owner: str, endpoint: Endpoint, changes: Item) -> Endpoint:
    """Write `changes` if the endpoint exists and still has the secret that was read."""
    unchanged = Attr(KEY).exists() & Attr(f"{endpoint.id}.secret").eq(endpoint.secret)
    named: dict[str, Any] = {f"{endpoint.id}.{name}": value for name, value in changes.items()}
    try:
        item = jobs().update(item_id(owner), named, unchanged)
    except ConditionFailed:
        raise EndpointConflict from None
    return Endpoint(**item[endpoint.id])
