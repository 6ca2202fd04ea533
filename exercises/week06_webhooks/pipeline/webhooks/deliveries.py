"""Webhook deliveries: each is one event for one endpoint. Given to students complete.

A delivery is an item of the jobs table. There are three ways to find it: by its id, by its endpoint in
week 4's list index, and by its due time in week 4's due index while it is pending. In the list index it
has an owner of its own, so it is never listed among the jobs. `tries` is its fencing token: it counts
the attempts that were begun, and a write with an older number is refused.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

from boto3.dynamodb.conditions import Attr, ConditionBase, Key
from pydantic import BaseModel, ConfigDict

from pipeline.models.job import LIST_INDEX, Job, due_shard, jobs
from pipeline.models.listing import make_cursor, read_cursor, visible
from pipeline.models.table import KEY, ConditionFailed, Item, exact, moment
from pipeline.webhooks.endpoints import Endpoint, Event
from pipeline.webhooks.errors import DeliveryNotFound, DeliveryUnderWay
from pipeline.webhooks.settings import webhook_settings

KIND = "delivery"
"""The kind of an item that is a delivery. The outbox finds its handler by it."""
PREFIX = f"{KIND}#"
MAX_ATTEMPTS_KEPT = 50


class DeliveryStatus(StrEnum):
    """The states of a delivery. All except the first are final, unless somebody resends it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    """All attempts of the schedule failed."""
    DISCARDED = "discarded"
    """The endpoint was deleted or disabled, or it answered 410."""


class Attempt(BaseModel):
    """One attempt to deliver. Without status and error, it is still running, or its worker died."""

    model_config = ConfigDict(frozen=True)

    at: float
    seconds: float | None = None
    status: int | None = None
    """The HTTP status of the response."""
    error: str | None = None
    """Why there is no response: `timeout`, `unsafe_url`, … These words are stable, for programs."""
    answer: str = ""
    """The beginning of the response body."""
    retry_after: float | None = None
    """How many seconds the receiver asked us to wait (header `Retry-After`)."""


class Delivery(BaseModel):
    """A delivery, as it was when it was read. All times are seconds since 1970 (UTC)."""

    model_config = ConfigDict(frozen=True)

    id: str
    """The header `webhook-id` of every attempt."""
    endpoint_id: str
    endpoint_owner: str
    job_id: str
    event: Event
    body: str
    """The body of every attempt."""
    status: DeliveryStatus
    created_at: float
    due_at: float | None = None
    next_at: float
    """The next attempt is not made before this time."""
    tries: int = 0
    """How many attempts have begun."""
    tries_before: int = 0
    """How many of them had begun before the schedule was (re)started."""
    lease_until: float | None = None
    """When the lease of the worker that has it expires. None: no worker has it."""
    attempts: dict[str, Attempt] = {}
    """The latest `MAX_ATTEMPTS_KEPT` attempts, by their number from 1."""
    expires_at: float | None = None

    @classmethod
    def from_item(cls, item: Item) -> Delivery:
        """Return the delivery that an item of the table contains."""
        return cls(**{**item, "id": item[KEY].removeprefix(PREFIX)})

    @property
    def number(self) -> int:
        """The number of the latest attempt within the schedule, from 1."""
        return self.tries - self.tries_before


def delivery_id(job: Job, endpoint_id: str) -> str:
    """Calculate the id of the delivery that reports this end of this job to this endpoint.

    The same arguments give the same id. A job that was replayed ends in another generation, so that is
    another event with another id.
    """
    name = f"{job.id}/{job.generation}/{endpoint_id}"
    return f"msg_{uuid5(NAMESPACE_URL, name).hex}"


def due(item_id: str, seconds: float) -> Item:
    """Return the attributes of an item that is due `seconds` from now."""
    return {"due_shard": due_shard(item_id), "due_at": moment(seconds)}


def create(job: Job, endpoint: Endpoint, event: Event, body: str) -> str:
    """Create a delivery if it does not exist, and return its id."""
    made = delivery_id(job, endpoint.id)
    item = {
        "kind": KIND,
        "owner": _list_of(endpoint.id),
        "endpoint_id": endpoint.id,
        "endpoint_owner": job.owner,
        "job_id": job.id,
        "event": event.value,
        "body": body,
        "status": DeliveryStatus.PENDING.value,
        "created_at": moment(),
        "next_at": moment(webhook_settings().webhook_schedule[0]),
        "tries": 0,
        "tries_before": 0,
        "attempts": {},
        **due(PREFIX + made, _first_due()),
    }
    with suppress(ConditionFailed):
        jobs().update(PREFIX + made, item, Attr(KEY).not_exists())
    return made


def _first_due() -> float:
    """Return the seconds until the outbox handles a new delivery whose message was lost."""
    settings = webhook_settings()
    return max(settings.webhook_publish_seconds, settings.webhook_schedule[0])


def find(made: str, owner: str | None = None) -> Delivery:
    """Return a delivery by its id.

    Args:
        made: the id of the delivery.
        owner: if given, the delivery must belong to this owner.

    Raises:
        DeliveryNotFound: there is none, it has expired, or it belongs to another owner.
    """
    item = jobs().get(PREFIX + made)
    delivery = Delivery.from_item(item) if item else None
    if delivery is None or owner not in (None, delivery.endpoint_owner):
        raise DeliveryNotFound
    if delivery.expires_at is not None and delivery.expires_at <= moment():
        raise DeliveryNotFound
    return delivery


def change(seen: Delivery, changes: Item, condition: ConditionBase, tries: int = 0) -> Delivery:
    """Write `changes` if no worker has taken the delivery since it was `seen`, and `condition` holds.

    Args:
        seen: the delivery as it was read. Its `tries` must be unchanged in the table.
        changes: the attributes to set. None removes an attribute.
        condition: what must hold in addition.
        tries: this is added to `tries`.

    Returns:
        The delivery as it is after the write.

    Raises:
        ConditionFailed: nothing was written.
    """
    same = Attr("tries").eq(seen.tries)
    add = {"tries": tries} if tries else None
    return Delivery.from_item(jobs().update(PREFIX + seen.id, changes, same & condition, add=add))


def unleased() -> ConditionBase:
    """Return the condition that no worker has the lease, or that the lease has expired."""
    return Attr("lease_until").not_exists() | Attr("lease_until").lte(moment())


def ended() -> Item:
    """Return the attributes of a delivery that needs no worker any more."""
    expires_at = int(moment(webhook_settings().webhook_keep_seconds))
    return {"lease_until": None, "due_shard": None, "due_at": None, "expires_at": expires_at}


def waiting(made: str, seconds: float) -> Item:
    """Return the attributes of a delivery whose next attempt is `seconds` from now."""
    later = {"lease_until": None, "expires_at": None, "next_at": moment(seconds)}
    return {"status": DeliveryStatus.PENDING.value, **later, **due(PREFIX + made, seconds)}


def send_again(delivery: Delivery) -> Delivery:
    """Restart the schedule of a delivery of any status, with an attempt now. The id stays the same.

    Returns:
        The delivery as it is after the write.

    Raises:
        DeliveryUnderWay: a worker has it at the moment. Nothing was written.
    """
    settings = webhook_settings()
    restarted = waiting(delivery.id, 0) | due(
        PREFIX + delivery.id, settings.webhook_publish_seconds
    )
    try:
        return change(delivery, {**restarted, "tries_before": delivery.tries}, unleased())
    except ConditionFailed:
        raise DeliveryUnderWay from None


@dataclass(frozen=True)
class DeliveryPage:
    """Some deliveries, newest first. `cursor` leads to the next page. None: this is the last page."""

    deliveries: list[Delivery]
    cursor: str | None


def page(endpoint_id: str, limit: int, cursor: str | None) -> DeliveryPage:
    """Return up to `limit` deliveries of an endpoint. A page that is not full need not be the last.

    Raises:
        InvalidCursor: the cursor does not come from this list.
    """
    owner = _list_of(endpoint_id)
    items, place = jobs().query(
        LIST_INDEX,
        Key("owner").eq(owner),
        keep=visible(None),
        limit=limit,
        start=read_cursor(cursor, owner) if cursor else None,
        newest_first=True,
    )
    found = [Delivery.from_item(item) for item in items]
    return DeliveryPage(found, make_cursor(place) if place else None)


def _list_of(endpoint_id: str) -> str:
    return f"deliveries#{endpoint_id}"


def attempt(number: int, one: Attempt) -> Item:
    """Return the attributes that record an attempt. If there are too many, the oldest is deleted."""
    values = one.model_dump(exclude_none=True)
    kept = {name: exact(v) if isinstance(v, float) else v for name, v in values.items()}
    record: Item = {f"attempts.{number}": kept}
    if number > MAX_ATTEMPTS_KEPT:
        record[f"attempts.{number - MAX_ATTEMPTS_KEPT}"] = None
    return record
