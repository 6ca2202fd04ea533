"""Creates the deliveries of a finished job and sends their messages. Given to students complete."""

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
    """Publish the message of a delivery. Raises Celery's exceptions if the broker is unreachable."""
    app.send_task(DELIVERY_TASK, [delivery_id], ignore_result=True, retry=False)


def announce(delivery_id: str) -> None:
    """Publish the message of a delivery. If that fails, log it: the outbox finds the delivery later."""
    try:
        publish(delivery_id)
    except Exception as error:
        logger.warning("delivery %s is left to the outbox", delivery_id, exc_info=error)


def interested(owner: str, status: Status) -> list[Endpoint]:
    """Return the owner's enabled endpoints that subscribe to the event of this final status."""
    if status not in EVENTS:
        return []
    event = EVENTS[status]
    return [one for one in of_owner(owner) if event in one.events and not one.disabled_at]


def fan_out(job: Job) -> None:
    """Send the webhooks of a finished job. A second call changes nothing.

    First the deliveries are created, then the job's due time is removed, then the messages are sent. If
    the process dies between two of these steps, the job or the deliveries are due, and the outbox finds
    them.

    Raises:
        JobStoreUnavailable: DynamoDB is unreachable. A job that was due is still due.
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
        logger.info("job %s was replayed meanwhile, its due time stays", job.id)


def _deliveries(job: Job) -> list[str]:
    wanted = interested(job.owner, job.status)
    if not wanted:
        return []
    event, body = EVENTS[job.status], event_body(job)
    return [create(job, endpoint, event, body) for endpoint in wanted]
