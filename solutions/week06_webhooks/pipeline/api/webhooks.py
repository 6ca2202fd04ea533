"""`/webhooks` and `/deliveries`: register endpoints, list their deliveries, and resend one."""

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
"""How many seconds a request waits for one of these threads."""

WebhookId = Annotated[str, Path(pattern=r"^ep_[0-9a-f]{32}$")]
DeliveryId = Annotated[str, Path(pattern=r"^msg_[0-9a-f]{32}$")]


@asynccontextmanager
async def _settled(_: FastAPI) -> AsyncIterator[None]:
    webhook_settings()  # invalid settings stop the API here, with the reason
    yield


router = APIRouter(tags=["webhooks"], lifespan=_settled)


@cache
def _name_threads() -> Threads:
    """Return the threads that wait for name servers."""
    return Threads(NAME_THREADS, TURN_SECONDS)


async def check(url: str) -> None:
    """Check the URL of a webhook without blocking the event loop. Given to students complete.

    Raises:
        UnsafeUrl, HostUnknown, NameUnresolved: see `checked`.
    """
    try:
        await _name_threads().run(checked, url)
    except TimeoutError as error:
        raise NameUnresolved from error


async def tell_a_worker(delivery_id: str) -> None:
    """Send the message of a webhook delivery. Given to students complete.

    If that fails, the outbox finds the delivery later. This does not block the event loop.
    """
    try:
        await off_the_loop(announce, delivery_id)
    except TimeoutError:
        logger.warning("delivery %s is left to the outbox: all threads are busy", delivery_id)


@router.post(
    "/webhooks",
    status_code=status.HTTP_201_CREATED,
    summary="Register a webhook",
    responses=error_responses(
        UnsafeUrl, HostUnknown, NameUnresolved, TooManyEndpoints, JobStoreUnavailable
    ),
)
async def register_webhook(new: NewWebhook) -> WebhookSecret:
    """From now on, the end of each of your jobs is sent to this URL, signed. The secret is shown once."""
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
    """Nothing more is sent to this webhook. Pending deliveries are discarded."""
    await on_thread(endpoints.remove, current_owner(), webhook_id)


@router.post(
    "/webhooks/{webhook_id}/rotate",
    summary="Make a new secret",
    responses=error_responses(EndpointNotFound, EndpointConflict, JobStoreUnavailable),
)
async def rotate_secret(webhook_id: WebhookId) -> WebhookSecret:
    """The new secret signs at once, and the old one too for a day. The new secret is shown once."""
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
    """Send to this webhook again. Deliveries that were discarded meanwhile must be resent one by one."""
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
    cursor: Annotated[
        str | None, Query(description="The `next_cursor` of the previous page.")
    ] = None,
) -> DeliveryPage:
    """All deliveries to a webhook, newest first, with their attempts. Only the last page has no cursor."""
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
    """Make an attempt now, with the same id. If it fails, the schedule starts from its beginning."""
    owner = current_owner()
    # BEGIN SOLUTION 6.5
    # ? g) Find the delivery among those of `owner`. `deliveries.find` raises `DeliveryNotFound` (404) for
    # ? an unknown delivery and, if you pass the owner, for a delivery of another owner.
    # ? h) Find its endpoint among those of `owner`. `endpoints.find` raises `EndpointNotFound` (404).
    # ? i) Raise `EndpointDisabled` (409) if the endpoint is disabled, which means that its `disabled_at` is
    # ? set. Write nothing in this case.
    # ? j) Call `deliveries.send_again`. It accepts a delivery of any status, also one that is discarded
    # ? or waits for its next attempt. It raises `DeliveryUnderWay` (409) while a worker has it.
    # ? k) Only after this write, call `tell_a_worker` with the id of the delivery, which stays the same.
    # ? l) Return the `DeliveryView` of the delivery that `send_again` returned.
    # ? m) Do not block the event loop: await the three functions that read or write through `on_thread`.
    # ? `tell_a_worker` is async and needs no thread.
    delivery = await on_thread(deliveries.find, delivery_id, owner)
    endpoint = await on_thread(endpoints.find, owner, delivery.endpoint_id)
    if endpoint.disabled_at:
        raise EndpointDisabled
    again = await on_thread(deliveries.send_again, delivery)
    await tell_a_worker(again.id)
    return DeliveryView.of(again)
    # END SOLUTION
