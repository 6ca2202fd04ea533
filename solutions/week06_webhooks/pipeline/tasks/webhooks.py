"""The Celery task that makes one attempt to deliver a webhook. Given to students complete."""

from __future__ import annotations

from pipeline.tasks.celery_config import app
from pipeline.tasks.job_task import dropped
from pipeline.webhooks.notify import deliver


@app.task(name="pipeline.deliver_webhook", ignore_result=True)
def deliver_webhook(delivery_id: str) -> None:
    """Make the next attempt of this delivery, if one is to be made now."""
    with dropped():
        deliver(delivery_id)
