"""The task that makes one attempt to deliver a webhook. Given."""

from __future__ import annotations

from pipeline.tasks.celery_config import app
from pipeline.tasks.tracking import dropped
from pipeline.webhooks.fan_out import DELIVERY_TASK
from pipeline.webhooks.notify import deliver


@app.task(name=DELIVERY_TASK, ignore_result=True)
def deliver_webhook(delivery_id: str) -> None:
    """Make the next attempt of this delivery, if it is time for one."""
    with dropped():
        deliver(delivery_id)
