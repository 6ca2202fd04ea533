"""Delivers webhooks: makes one attempt, interprets its result, and plans the next attempt.

A message only asks a worker to look at the webhook delivery. Its item in the table says whether an
attempt is to be made. If a worker dies between the POST and the record, the attempt is made again. Both
requests have the same `webhook-id`, so the receiver notices the repetition.
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
"""The largest random part that is added to a wait, as a fraction of the wait. Deliveries that failed
together are thus not retried together."""
GONE = 410


def acquire(delivery_id: str) -> Delivery | None:
    """Take a webhook delivery, in order to make its next attempt.

    If several workers call this at the same time, only one of them gets the delivery.

    Returns:
        The delivery as it is in the table after the write, or None if no attempt may be made now.
    """
    try:
        seen = deliveries.find(delivery_id)
    except DeliveryNotFound:
        return None
    seconds = webhook_settings().webhook_lease_seconds
    lease = {"lease_until": moment(seconds), **deliveries.due(deliveries.PREFIX + seen.id, seconds)}
    begun = {**lease, **deliveries.attempt(seen.tries + 1, Attempt(at=time.time()))}
    # BEGIN SOLUTION 6.3
    # ? a) Write `begun` with `deliveries.change(seen, begun, condition, tries=1)`, and return its result.
    # ? `begun` contains the lease, the due time after which the outbox looks again, and the new attempt.
    # ? b) In the condition of this write, require that the status is still `pending`, that no worker has
    # ? the lease (`deliveries.unleased()`), and that `next_at` is not later than `moment()`.
    # ? c) Return None if the write is refused (`ConditionFailed`). Nothing has been written then. Let every
    # ? other error pass.
    # ? d) Make one write, and let its condition decide. Values that were read before may be out of date.
    pending = Attr("status").eq(DeliveryStatus.PENDING.value)
    ready = pending & deliveries.unleased() & Attr("next_at").lte(moment())
    try:
        return deliveries.change(seen, begun, ready, tries=1)
    except ConditionFailed:
        return None
    # END SOLUTION


def verdict(attempt: Attempt) -> DeliveryStatus:
    """Return the status that a delivery has after an attempt.

    Args:
        attempt: the attempt. `attempt.status` is None if the receiver sent no response.
    """
    # BEGIN SOLUTION 6.3
    # ? e) Return DELIVERED for every HTTP status from 200 to 299.
    # ? f) Return DISCARDED for `GONE`: the receiver never wants another webhook.
    # ? g) Return PENDING for everything else, so that it is retried: every other status, redirects
    # ? included, and an attempt without a response.
    if attempt.status is not None and 200 <= attempt.status < 300:
        return DeliveryStatus.DELIVERED
    if attempt.status == GONE:
        return DeliveryStatus.DISCARDED
    return DeliveryStatus.PENDING
    # END SOLUTION


def wait_before(number: int, attempt: Attempt) -> float | None:
    """Return the number of seconds until the next attempt, or None if the schedule has no more.

    Args:
        number: the number of the next attempt, counted from 1.
        attempt: the attempt that failed. `retry_after` is the number of seconds that the receiver asked
            for, or None.
    """
    schedule = webhook_settings().webhook_schedule
    # BEGIN SOLUTION 6.3
    # ? h) Use entry number `number` of `schedule`, counted from 1. Return None if there is no such entry,
    # ? whatever the receiver asks for.
    # ? i) Wait for as long as this entry says, or `attempt.retry_after` if that is longer. The result
    # ? is never shorter than this.
    # ? j) Add a random part, from 0 to `JITTER` times this wait, also if `retry_after` was the longer one.
    # ? Each call and each process draws another number.
    if number > len(schedule):
        return None
    least = max(schedule[number - 1], attempt.retry_after or 0)
    return least * (1 + random.uniform(0, JITTER))  # noqa: S311
    # END SOLUTION


def deliver(delivery_id: str) -> None:
    """Make the next attempt of a webhook delivery, if one is to be made now. This blocks.

    Given to students complete.

    Raises:
        JobStoreUnavailable: DynamoDB is unreachable. The delivery is due again when the lease has expired.
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
    elif delivery.number > len(webhook_settings().webhook_schedule):  # its worker died
        settle(delivery, _none("worker_lost"), DeliveryStatus.EXHAUSTED)
    else:
        attempt = send(delivery, endpoint)
        settle(delivery, attempt, verdict(attempt))
        if attempt.status == GONE:
            endpoints.disable(delivery.endpoint_owner, endpoint, "gone")


def send(delivery: Delivery, endpoint: Endpoint) -> Attempt:
    """Sign a webhook delivery and post it. Given to students complete.

    The id is that of the delivery, and the timestamp is the time of this attempt.
    """
    body = delivery.body.encode()
    secrets = endpoints.signing_secrets(endpoint)
    headers = signed_headers(secrets, delivery.id, int(time.time()), body)
    return post(endpoint.url, headers, body)


def settle(delivery: Delivery, attempt: Attempt, status: DeliveryStatus) -> None:
    """Record an attempt and the new status of its delivery in one write. Given to students complete."""
    after = _after(delivery, attempt, status)
    try:
        held = Attr("lease_until").exists()
        settled = deliveries.change(
            delivery, {**after, **deliveries.attempt(delivery.tries, attempt)}, held
        )
    except ConditionFailed:
        logger.warning("delivery %s: attempt %d is too late, dropped", delivery.id, delivery.tries)
        return
    outcome = attempt.status or attempt.error
    logger.info("delivery %s: %s, so it is now %s", delivery.id, outcome, settled.status)


def _after(delivery: Delivery, attempt: Attempt, status: DeliveryStatus) -> Item:
    if status == DeliveryStatus.PENDING:
        wait = wait_before(delivery.number + 1, attempt)
        if wait is not None:
            return deliveries.waiting(delivery.id, wait)
        status = DeliveryStatus.EXHAUSTED
    return {"status": status.value, **deliveries.ended()}


def _none(why: str) -> Attempt:
    """The record of an attempt that was not made."""
    return Attempt(at=time.time(), error=why)
