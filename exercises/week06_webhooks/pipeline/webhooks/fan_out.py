"""From a job that has ended to the deliveries that tell of it, and their messages. Given."""

from __future__ import annotations

import logging

from boto3.dynamodb.conditions import Attr

from pipeline.models.job import Job, jobs
from pipeline.models.table import ConditionFailed
from pipeline.tasks.celery_config import app
from pipeline.webhooks.deliveries import create
from pipeline.webhooks.endpoints import of_owner
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


def fan_out(job: Job) -> None:
    """Tell whoever wants to know that a job has ended. To do it twice changes nothing.

    First the deliveries, then the job is due no more, then the messages: whatever breaks between
    two of them, one is due and will be found.

    Raises:
        JobStoreUnavailable: the job is still due.
    """
    made = _deliveries(job)
    try:
        same = Attr("generation").eq(job.generation) & Attr("status").eq(job.status.value)
        jobs().update(job.id, {"due_shard": None, "due_at": None}, same)
    except ConditionFailed:
        logger.info("job %s was begun anew meanwhile", job.id)
    for delivery_id in made:
        announce(delivery_id)


def _deliveries(job: Job) -> list[str]:
    if job.status not in EVENTS:
        return []
    event = EVENTS[job.status]
    wanted = [one for one in of_owner(job.owner) if event in one.events and not one.disabled_at]
    if not wanted:
        return []
    body = event_body(job)
    return [create(job, endpoint, event, body) for endpoint in wanted]
