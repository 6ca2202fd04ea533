"""Delivery that survives failure: one attempt, what it means, and when the next one is.

The message that brings a worker here is a hint, as everywhere: the delivery's item says whether there
is anything to do. An attempt can be made twice, when a worker dies between the POST and the record. The
receiver sees the same `webhook-id` then, and can tell.
"""

from __future__ import annotations

import logging
import random
import time

from boto3.dynamodb.conditions import Attr

from pipeline.models.table import ConditionFailed, Item, moment
from pipeline.webhooks import deliveries, endpoints
from pipeline.webhooks.deliveries import Attempt, Delivery, DeliveryStatus
from pipeline.webhooks.endpoints import Endpoint
from pipeline.webhooks.errors import DeliveryNotFound, EndpointNotFound
from pipeline.webhooks.sending import post
from pipeline.webhooks.settings import webhook_settings
from pipeline.webhooks.signing import signed_headers

logger = logging.getLogger(__name__)

JITTER = 0.2
"""How much longer than the schedule says a wait may be, at random. Many deliveries that failed
together should not come back together."""
GONE = 410


def acquire(delivery_id: str) -> Delivery | None:
    """Take a delivery, to make its next attempt. None: there is none to make now.

    Of any number of workers that try at the same time, one gets it.
    """
    try:
        seen = deliveries.find(delivery_id)
    except DeliveryNotFound:
        return None
    seconds = webhook_settings().webhook_lease_seconds
    lease = {"lease_until": moment(seconds), **deliveries.due(deliveries.PREFIX + seen.id, seconds)}
    begun = {**lease, **deliveries.attempt(seen.tries + 1, Attempt(at=time.time()))}
    # TODO 6.3: Write `begun` with `deliveries.change(seen, …, tries=1)`, under a condition: the
    #   delivery is still pending, no living worker has it (`deliveries.unleased()`), and the time
    #   of its next attempt (`next_at`) has come. A message that comes twice must not make an
    #   attempt early.
    #   The lease makes it due again: if this worker dies now, the outbox finds the delivery.
    raise NotImplementedError("6.3")


def verdict(attempt: Attempt) -> DeliveryStatus:
    """What an attempt means: delivered, discarded (never again), or pending (try again)."""
    # TODO 6.3: A status from 200 to 299 says that the receiver has it. `GONE` says that it wants no
    #   more. All else may pass, no answer at all as well as a redirect: who follows one sends the
    #   event, signed, to whom the owner did not name, past every check of the address.
    raise NotImplementedError("6.3")


def wait_before(number: int, attempt: Attempt) -> float | None:
    """Seconds until attempt `number` of the schedule (from 1). None: there is no such attempt.

    Args:
        number: the attempt that comes next.
        attempt: the one that failed. It may ask for a longer wait: `retry_after`.
    """
    schedule = webhook_settings().webhook_schedule
    # TODO 6.3: The schedule has one entry for each attempt. Wait for as long as it says, or for as
    #   long as the receiver asks if that is longer, and at random up to `JITTER` of it more.
    raise NotImplementedError("6.3")


def deliver(delivery_id: str) -> None:
    """Make the next attempt of a delivery, if there is one to make. Blocks. Given.

    Raises:
        JobStoreUnavailable: the delivery is due again when the lease runs out.
    """
    delivery = acquire(delivery_id)
    if delivery is None:
        logger.info("nothing to do for delivery %s", delivery_id)
        return
    try:
        endpoint = endpoints.find(delivery.endpoint_owner, delivery.endpoint_id)
    except EndpointNotFound:
        settle(delivery, _none("endpoint_deleted"), DeliveryStatus.DISCARDED)
        return
    if endpoint.disabled_at:
        settle(delivery, _none("endpoint_disabled"), DeliveryStatus.DISCARDED)
    elif delivery.number > len(webhook_settings().webhook_schedule):  # the last one's worker died
        settle(delivery, _none("worker_lost"), DeliveryStatus.EXHAUSTED)
    else:
        attempt = send(delivery, endpoint)
        settle(delivery, attempt, verdict(attempt))
        if attempt.status == GONE:
            endpoints.disable(delivery.endpoint_owner, endpoint, "gone")


def send(delivery: Delivery, endpoint: Endpoint) -> Attempt:
    """Sign a delivery and post it. The id is the delivery's, the timestamp this attempt's. Given."""
    body = delivery.body.encode()
    secrets = endpoints.signing_secrets(endpoint)
    headers = signed_headers(secrets, delivery.id, int(time.time()), body)
    return post(endpoint.url, headers, body)


def settle(delivery: Delivery, attempt: Attempt, status: DeliveryStatus) -> None:
    """Record an attempt, and what follows from it, in one write. Given."""
    after = _after(delivery, attempt, status)
    try:
        held = Attr("lease_until").exists()
        settled = deliveries.change(
            delivery, {**after, **deliveries.attempt(delivery.tries, attempt)}, held
        )
    except ConditionFailed:
        logger.warning("delivery %s: attempt %d came too late", delivery.id, delivery.tries)
        return
    outcome = attempt.status or attempt.error
    logger.info("delivery %s: %s, so it is %s", delivery.id, outcome, settled.status)


def _after(delivery: Delivery, attempt: Attempt, status: DeliveryStatus) -> Item:
    if status == DeliveryStatus.PENDING:
        wait = wait_before(delivery.number + 1, attempt)
        if wait is not None:
            return deliveries.waiting(delivery.id, wait)
        status = DeliveryStatus.EXHAUSTED
    return {"status": status.value, **deliveries.ended()}


def _none(why: str) -> Attempt:
    """What stands on record for an attempt that was not made."""
    return Attempt(at=time.time(), error=why)
