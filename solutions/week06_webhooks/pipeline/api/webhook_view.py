"""The requests and responses of the webhook routes. Given to students complete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipeline.webhooks.deliveries import Attempt, Delivery, DeliveryStatus
from pipeline.webhooks.endpoints import Endpoint, Event

EXAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's


class NewWebhook(BaseModel):
    """The URL of a webhook and its events. Without `events`, it receives all of them."""

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
    """The reason: `gone` means that the receiver answered 410."""
    old_secret_until: datetime | None
    """Until this time, two secrets sign."""

    @classmethod
    def of(cls, endpoint: Endpoint) -> WebhookView:
        """Return the part of an endpoint that every response may contain."""
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
    """One webhook with its new secret. The secret is shown only once, so store it."""

    secret: Annotated[str, Field(examples=[EXAMPLE_SECRET])]

    @classmethod
    def of(cls, endpoint: Endpoint) -> WebhookSecret:
        """Return an endpoint together with the secret that was just created."""
        return cls(secret=endpoint.secret, **WebhookView.of(endpoint).model_dump())


class WebhookList(BaseModel):
    """All of an owner's webhooks, oldest first."""

    webhooks: list[WebhookView]


class AttemptView(BaseModel):
    """One attempt. Without status and error, it is still running, or its worker died."""

    number: int
    at: datetime
    seconds: float | None
    status: int | None
    """The HTTP status of the response."""
    error: str | None
    """Why there is no response."""
    answer: str
    """The first characters of the response body."""

    @classmethod
    def of(cls, number: int, attempt: Attempt) -> AttemptView:
        """Return the part of an attempt that a client may see."""
        known = attempt.model_dump(include={"seconds", "status", "error", "answer"})
        return cls(number=number, at=_date(attempt.at), **known)


class DeliveryView(BaseModel):
    """One event that is sent to one webhook."""

    delivery_id: str
    """The value of the header `webhook-id`."""
    webhook_id: str
    job_id: str
    event: Event
    status: DeliveryStatus
    created_at: datetime
    next_attempt_at: datetime | None
    """Null means that none is planned."""
    attempts: list[AttemptView]
    """The latest attempts, in order."""

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryView:
        """Return the part of a delivery that a client may see."""
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
    """Some deliveries, newest first. Send `next_cursor` as `cursor` to get the next page."""

    deliveries: list[DeliveryView]
    next_cursor: str | None


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _date_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else _date(seconds)
