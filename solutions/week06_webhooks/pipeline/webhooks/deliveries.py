"""Deliveries: one event on its way to one endpoint, as an item of the jobs table. Given.

A delivery is found by its id, by the endpoint it goes to (week 4's list index, under an owner of its
own, so that it is never among the jobs), and, while it is not over, by the time it is due (week 4's
due index). `tries` counts whoever took it: a write names it, and an older one is refused.
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
    """A delivery's states. All but the first are its end, unless somebody sends it again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    """Every attempt of the schedule failed."""
    DISCARDED = "discarded"
    """The endpoint is gone or disabled."""


class Attempt(BaseModel):
    """One attempt to deliver. Without status and error it is under way, or its worker died."""

    model_config = ConfigDict(frozen=True)

    at: float
    seconds: float | None = None
    status: int | None = None
    """What the receiver answered."""
    error: str | None = None
    """Why there is no answer: `timeout`, `unsafe_url`, … Stable, for programs."""
    answer: str = ""
    """The beginning of the answer's body."""
    retry_after: float | None = None
    """How many seconds the receiver asked us to wait."""


class Delivery(BaseModel):
    """A delivery as it was when it was read. Times are seconds since 1970 (UTC)."""

    model_config = ConfigDict(frozen=True)

    id: str
    """What is sent as `webhook-id`, at every attempt."""
    endpoint_id: str
    endpoint_owner: str
    job_id: str
    event: Event
    body: str
    """What is sent, the same at every attempt."""
    status: DeliveryStatus
    created_at: float
    due_at: float | None = None
    next_at: float
    """The next attempt is not made before."""
    tries: int = 0
    """How many attempts were begun."""
    tries_before: int = 0
    """How many of them before the schedule was begun (anew)."""
    lease_until: float | None = None
    """Until when a worker has it."""
    attempts: dict[str, Attempt] = {}
    """By their number, from 1. The latest `MAX_ATTEMPTS_KEPT`."""
    expires_at: float | None = None

    @classmethod
    def from_item(cls, item: Item) -> Delivery:
        """The delivery that an item of the table holds."""
        return cls(**{**item, "id": item[KEY].removeprefix(PREFIX)})

    @property
    def number(self) -> int:
        """Which attempt of the schedule was begun last, from 1."""
        return self.tries - self.tries_before


def delivery_id(job: Job, endpoint_id: str) -> str:
    """The id of the webhook that tells this endpoint of this end of this job.

    Who makes it twice makes the same. A job that was replayed ends in another generation: that is
    another event.
    """
    name = f"{job.id}/{job.generation}/{endpoint_id}"
    return f"msg_{uuid5(NAMESPACE_URL, name).hex}"


def due(item_id: str, seconds: float) -> Item:
    """The attributes of an item that is due `seconds` from now."""
    return {"due_shard": due_shard(item_id), "due_at": moment(seconds)}


def create(job: Job, endpoint: Endpoint, event: Event, body: str) -> str:
    """Make a delivery, unless it was made before, and return its id."""
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
    """Seconds until the outbox handles a new delivery, if its message did not lead to an attempt."""
    settings = webhook_settings()
    return max(settings.webhook_publish_seconds, settings.webhook_schedule[0])


def find(made: str, owner: str | None = None) -> Delivery:
    """A delivery. With `owner`: one of theirs. Raises DeliveryNotFound."""
    item = jobs().get(PREFIX + made)
    delivery = Delivery.from_item(item) if item else None
    if delivery is None or owner not in (None, delivery.endpoint_owner):
        raise DeliveryNotFound
    if delivery.expires_at is not None and delivery.expires_at <= moment():
        raise DeliveryNotFound
    return delivery


def change(seen: Delivery, changes: Item, condition: ConditionBase, tries: int = 0) -> Delivery:
    """Write to a delivery that nobody took since it was `seen`, under a further condition.

    Raises:
        ConditionFailed: nothing was written.
    """
    same = Attr("tries").eq(seen.tries)
    add = {"tries": tries} if tries else None
    return Delivery.from_item(jobs().update(PREFIX + seen.id, changes, same & condition, add=add))


def unleased() -> ConditionBase:
    """The condition that no living worker has the delivery."""
    return Attr("lease_until").not_exists() | Attr("lease_until").lte(moment())


def ended() -> Item:
    """The attributes of a delivery that needs nobody any more."""
    expires_at = int(moment(webhook_settings().webhook_keep_seconds))
    return {"lease_until": None, "due_shard": None, "due_at": None, "expires_at": expires_at}


def waiting(made: str, seconds: float) -> Item:
    """The attributes of a delivery whose next attempt is `seconds` from now."""
    later = {"lease_until": None, "expires_at": None, "next_at": moment(seconds)}
    return {"status": DeliveryStatus.PENDING.value, **later, **due(PREFIX + made, seconds)}


def send_again(delivery: Delivery) -> Delivery:
    """Begin the schedule of a delivery anew, whatever became of it. Its id stays.

    Raises:
        DeliveryUnderWay: a worker has it in this moment.
    """
    settings = webhook_settings()
    anew = waiting(delivery.id, 0) | due(PREFIX + delivery.id, settings.webhook_publish_seconds)
    try:
        return change(delivery, {**anew, "tries_before": delivery.tries}, unleased())
    except ConditionFailed:
        raise DeliveryUnderWay from None


@dataclass(frozen=True)
class DeliveryPage:
    """Some deliveries, newest first. `cursor` leads to the next ones; None: these were the last."""

    deliveries: list[Delivery]
    cursor: str | None


def page(endpoint_id: str, limit: int, cursor: str | None) -> DeliveryPage:
    """Up to `limit` deliveries of an endpoint. A page can be short and not the last.

    Raises:
        InvalidCursor: it is none of ours.
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
    """The attributes that record an attempt. The oldest of too many is forgotten."""
    values = one.model_dump(exclude_none=True)
    kept = {name: exact(v) if isinstance(v, float) else v for name, v in values.items()}
    record: Item = {f"attempts.{number}": kept}
    if number > MAX_ATTEMPTS_KEPT:
        record[f"attempts.{number - MAX_ATTEMPTS_KEPT}"] = None
    return record
