"""From a job that has ended to the deliveries that tell of it, and their messages. Given."""

from __future__ import annotations

import logging

from boto3.dynamodb.conditions import Attr

from pipeline.models.job import Job, Status, jobs
from pipeline.models.table import ConditionFailed
from pipeline.tasks.celery_config import app
from pipeline.webhooks.deliveries import create
from pipeline.webhooks.endpoints import Endpoint, of_owner
from pipeline.webhooks.events import EVENTS, event_body

logger = logging.getLogger(__name__)

DELIVERY_TASK = "pipeline.deliver_webhook"


def publish(delivery_id: str) -> None:
    """Send a delivery's message. Raises what Celery raises when the broker does not take it."""
    app.send_task(DELIVERY_TASK, [delivery_id], ignore_result=True, retry=False)


def announce(delivery_id: str) -> None:
    """The same, where nobody can do anything about it: the delivery is due, and will be found."""
    try:
        publish(delivery_id)
    except Exception as error:
        logger.warning("delivery %s waits for the broker", delivery_id, exc_info=error)


def interested(owner: str, status: Status) -> list[Endpoint]:
    """The owner's enabled endpoints that want to hear of a job which ends in this status."""
    if status not in EVENTS:
        return []
    event = EVENTS[status]
    return [one for one in of_owner(owner) if event in one.events and not one.disabled_at]


def fan_out(job: Job) -> None:
    """Send the webhooks of a job that has ended. Doing it twice changes nothing.

    First the deliveries are written, then the job is no longer due, then the messages are sent. If
    the process dies between two of these, the job or the delivery is due, and the outbox finds it.

    Raises:
        JobStoreUnavailable: a job that was due is still due.
    """
    made = _deliveries(job)
    if job.due_at is not None:
        _not_due(job)
    for delivery_id in made:
        announce(delivery_id)


def _not_due(job: Job) -> None:
    try:
        same = Attr("generation").eq(job.generation) & Attr("status").eq(job.status.value)
        jobs().update(job.id, {"due_shard": None, "due_at": None}, same)
    except ConditionFailed:
        logger.info("job %s was replayed meanwhile", job.id)


def _deliveries(job: Job) -> list[str]:
    wanted = interested(job.owner, job.status)
    if not wanted:
        return []
    event, body = EVENTS[job.status], event_body(job)
    return [create(job, endpoint, event, body) for endpoint in wanted]
