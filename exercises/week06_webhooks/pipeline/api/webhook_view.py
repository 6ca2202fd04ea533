"""What a client sends and sees of webhooks. Given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipeline.webhooks.deliveries import Attempt, Delivery, DeliveryStatus
from pipeline.webhooks.endpoints import Endpoint, Event

EXAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's


class NewWebhook(BaseModel):
    """Where to send, and what. All events, if none are named."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=2048, examples=["https://example.com/hooks"])]
    events: Annotated[frozenset[Event], Field(min_length=1)] = frozenset(Event)


class WebhookView(BaseModel):
    """One webhook, without its secret."""

    webhook_id: str
    url: str
    events: list[Event]
    created_at: datetime
    enabled: bool
    disabled_at: datetime | None
    disabled_because: str | None
    """`gone`: the receiver answered 410."""
    old_secret_until: datetime | None
    """Until then two secrets sign."""

    @classmethod
    def of(cls, endpoint: Endpoint) -> WebhookView:
        """The part of an endpoint that is shown again and again."""
        return cls(
            webhook_id=endpoint.id,
            url=endpoint.url,
            events=sorted(endpoint.events),
            created_at=_date(endpoint.created_at),
            enabled=endpoint.disabled_at is None,
            disabled_at=_date_or_none(endpoint.disabled_at),
            disabled_because=endpoint.disabled_because,
            old_secret_until=_date_or_none(endpoint.old_secret_until),
        )


class WebhookSecret(WebhookView):
    """One webhook with its new secret. It is shown this once: keep it."""

    secret: Annotated[str, Field(examples=[EXAMPLE_SECRET])]

    @classmethod
    def of(cls, endpoint: Endpoint) -> WebhookSecret:
        """An endpoint whose secret was made just now."""
        return cls(secret=endpoint.secret, **WebhookView.of(endpoint).model_dump())


class WebhookList(BaseModel):
    """All of an owner's webhooks, oldest first."""

    webhooks: list[WebhookView]


class AttemptView(BaseModel):
    """One attempt. Without status and error it is under way, or its worker died."""

    number: int
    at: datetime
    seconds: float | None
    status: int | None
    """What the receiver answered."""
    error: str | None
    """Why there is no answer."""
    answer: str
    """The first characters of the answer's body."""

    @classmethod
    def of(cls, number: int, attempt: Attempt) -> AttemptView:
        """The part of an attempt that is for clients."""
        known = attempt.model_dump(include={"seconds", "status", "error", "answer"})
        return cls(number=number, at=_date(attempt.at), **known)


class DeliveryView(BaseModel):
    """One event on its way to one webhook."""

    delivery_id: str
    """The same as the header `webhook-id`."""
    webhook_id: str
    job_id: str
    event: Event
    status: DeliveryStatus
    created_at: datetime
    next_attempt_at: datetime | None
    """Null: none is planned."""
    attempts: list[AttemptView]
    """In order; of very many the latest."""

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryView:
        """The part of a delivery that is for clients."""
        waits = delivery.status == DeliveryStatus.PENDING
        attempts = sorted((int(number), one) for number, one in delivery.attempts.items())
        return cls(
            delivery_id=delivery.id,
            webhook_id=delivery.endpoint_id,
            job_id=delivery.job_id,
            event=delivery.event,
            status=delivery.status,
            created_at=_date(delivery.created_at),
            next_attempt_at=_date(delivery.next_at) if waits else None,
            attempts=[AttemptView.of(number, attempt) for number, attempt in attempts],
        )


class DeliveryPage(BaseModel):
    """Some deliveries, newest first. Send `next_cursor` as `cursor` for those that follow."""

    deliveries: list[DeliveryView]
    next_cursor: str | None


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _date_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else _date(seconds)
