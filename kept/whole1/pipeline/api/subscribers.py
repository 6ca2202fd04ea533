"""`POST /subscribers`: adds a subscriber of the digest. Given to students complete.

The link to unsubscribe is in each digest and nowhere else: see `pipeline.api.anonymous`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from pipeline.api.responses import error_responses
from pipeline.news.errors import InvalidAddress, SubscribersFull, SubscriptionsUnavailable
from pipeline.news.subscribers import MAX_ADDRESS_CHARS, subscribe

router = APIRouter(tags=["news"])


class Subscription(BaseModel):
    """A mail address that gets the digest."""

    address: Annotated[str, StringConstraints(max_length=MAX_ADDRESS_CHARS + 2)]


@router.post(
    "/subscribers",
    status_code=201,
    summary="Subscribe to the digest",
    responses=error_responses(InvalidAddress, SubscribersFull, SubscriptionsUnavailable),
)
def add_subscriber(subscription: Subscription) -> Subscription:
    """Send the digest to this address from now on. Subscribing twice is the same as once.

    Raises:
        InvalidAddress: it is not one plain address (422).
        SubscribersFull: there are too many subscribers (409).
        SubscriptionsUnavailable: PostgreSQL fails (503 with `Retry-After`).
    """
    return Subscription(address=subscribe(subscription.address))
