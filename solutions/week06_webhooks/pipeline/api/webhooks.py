"""`/webhooks` and `/deliveries`: who is told, how that went, and once more by hand."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Query, status

from pipeline.api.jobs import DEFAULT_PAGE, MAX_PAGE
from pipeline.api.responses import error_responses
from pipeline.api.threads import on_thread
from pipeline.api.webhook_view import (
    DeliveryPage,
    DeliveryView,
    NewWebhook,
    WebhookList,
    WebhookSecret,
    WebhookView,
)
from pipeline.models.errors import InvalidCursor, JobStoreUnavailable
from pipeline.owners import current_owner
from pipeline.queueing import off_the_loop
from pipeline.threads import Threads
from pipeline.webhooks import deliveries, endpoints
from pipeline.webhooks.errors import (
    DeliveryNotFound,
    DeliveryUnderWay,
    EndpointConflict,
    EndpointDisabled,
    EndpointNotFound,
    HostUnknown,
    NameUnresolved,
    TooManyEndpoints,
    UnsafeUrl,
)
from pipeline.webhooks.fan_out import announce
from pipeline.webhooks.safety import checked
from pipeline.webhooks.settings import webhook_settings

logger = logging.getLogger(__name__)

NAME_THREADS = 4
TURN_SECONDS = 5.0
"""How long a request waits until one of these threads is free."""

WebhookId = Annotated[str, Path(pattern=r"^ep_[0-9a-f]{32}$")]
DeliveryId = Annotated[str, Path(pattern=r"^msg_[0-9a-f]{32}$")]


@asynccontextmanager
async def _settled(_: FastAPI) -> AsyncIterator[None]:
    webhook_settings()  # settings that contradict one another stop the API here, with the reason
    yield


router = APIRouter(tags=["webhooks"], lifespan=_settled)


@cache
def _name_threads() -> Threads:
    """The threads that may wait for a name server."""
    return Threads(NAME_THREADS, TURN_SECONDS)


async def check(url: str) -> None:
    """Raises UnsafeUrl, HostUnknown or NameUnresolved where webhooks cannot go there. Given."""
    try:
        await _name_threads().run(checked, url)
    except TimeoutError as error:
        raise NameUnresolved from error


async def tell_a_worker(delivery_id: str) -> None:
    """Send a delivery's message. If that fails, the outbox finds the delivery. Given."""
    try:
        await off_the_loop(announce, delivery_id)
    except TimeoutError:
        logger.warning("delivery %s waits: all threads are busy", delivery_id)


@router.post(
    "/webhooks",
    status_code=status.HTTP_201_CREATED,
    summary="Register a webhook",
    responses=error_responses(
        UnsafeUrl, HostUnknown, NameUnresolved, TooManyEndpoints, JobStoreUnavailable
    ),
)
async def register_webhook(new: NewWebhook) -> WebhookSecret:
    """From now on the end of each of your jobs is sent there, signed. The secret is shown once."""
    await check(new.url)
    events = tuple(sorted(new.events))
    made = await on_thread(endpoints.register, current_owner(), new.url, events)
    return WebhookSecret.of(made)


@router.get("/webhooks", summary="List webhooks", responses=error_responses(JobStoreUnavailable))
async def list_webhooks() -> WebhookList:
    """All of your webhooks, without their secrets."""
    found = await on_thread(endpoints.of_owner, current_owner())
    return WebhookList(webhooks=[WebhookView.of(endpoint) for endpoint in found])


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a webhook",
    responses=error_responses(EndpointNotFound, JobStoreUnavailable),
)
async def delete_webhook(webhook_id: WebhookId) -> None:
    """Nothing is sent there any more, not even what is on its way."""
    await on_thread(endpoints.remove, current_owner(), webhook_id)


@router.post(
    "/webhooks/{webhook_id}/rotate",
    summary="Make a new secret",
    responses=error_responses(EndpointNotFound, EndpointConflict, JobStoreUnavailable),
)
async def rotate_secret(webhook_id: WebhookId) -> WebhookSecret:
    """The new secret signs at once, and the old one as well for a day. It is shown once."""
    owner = current_owner()
    endpoint = await on_thread(endpoints.find, owner, webhook_id)
    return WebhookSecret.of(await on_thread(endpoints.rotate, owner, endpoint))


@router.post(
    "/webhooks/{webhook_id}/enable",
    summary="Enable a webhook",
    responses=error_responses(
        EndpointNotFound,
        UnsafeUrl,
        HostUnknown,
        NameUnresolved,
        EndpointConflict,
        JobStoreUnavailable,
    ),
)
async def enable_webhook(webhook_id: WebhookId) -> WebhookView:
    """Send there again. What was discarded meanwhile is sent if you send it again."""
    owner = current_owner()
    endpoint = await on_thread(endpoints.find, owner, webhook_id)
    await check(endpoint.url)
    return WebhookView.of(await on_thread(endpoints.enable, owner, endpoint))


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    summary="List deliveries",
    responses=error_responses(EndpointNotFound, InvalidCursor, JobStoreUnavailable),
)
async def list_deliveries(
    webhook_id: WebhookId,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> DeliveryPage:
    """What was sent to a webhook, newest first, with every attempt. Only a null cursor ends it."""
    await on_thread(endpoints.find, current_owner(), webhook_id)
    found = await on_thread(deliveries.page, webhook_id, limit, cursor)
    views = [DeliveryView.of(delivery) for delivery in found.deliveries]
    return DeliveryPage(deliveries=views, next_cursor=found.cursor)


@router.post(
    "/deliveries/{delivery_id}/resend",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a delivery again",
    responses=error_responses(
        DeliveryNotFound,
        EndpointNotFound,
        EndpointDisabled,
        DeliveryUnderWay,
        JobStoreUnavailable,
    ),
)
async def resend(delivery_id: DeliveryId) -> DeliveryView:
    """One more attempt now, with the same id, and the schedule from its beginning if that fails."""
    owner = current_owner()
    # BEGIN SOLUTION 6.5
    # ? Find the delivery, as this owner's and no other's, and its endpoint. To one that is disabled
    # ? nothing is sent: `EndpointDisabled`.
    # ? `deliveries.send_again` writes that it is to be sent; then a worker can do that at once:
    # ? `tell_a_worker`, which does not block. All the others do: let them run `on_thread`.
    # ? The answer is the delivery as it is then.
    delivery = await on_thread(deliveries.find, delivery_id, owner)
    endpoint = await on_thread(endpoints.find, owner, delivery.endpoint_id)
    if endpoint.disabled_at:
        raise EndpointDisabled
    again = await on_thread(deliveries.send_again, delivery)
    await tell_a_worker(again.id)
    return DeliveryView.of(again)
    # END SOLUTION
