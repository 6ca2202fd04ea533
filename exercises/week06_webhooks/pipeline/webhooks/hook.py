"""Where webhooks join in a job's life. Given.

The write that ends a job also makes it due, so the webhooks are sent even if this process dies right
after that write: the outbox finds the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.lifecycle.hooks import JobHook
from pipeline.lifecycle.retries import resume_or_redrive
from pipeline.models.errors import JobStoreUnavailable
from pipeline.models.job import FINISHED, Job, Status
from pipeline.models.table import KEY, Item
from pipeline.webhooks.deliveries import PREFIX, due
from pipeline.webhooks.fan_out import fan_out, interested, publish
from pipeline.webhooks.settings import webhook_settings


class Webhooks(JobHook):
    """Notifies the job's owner of its end."""

    def closing(self, job: Job, status: Status) -> Mapping[str, Any]:
        """The job is due if a webhook wants to hear of it. Without one, a write is saved.

        A webhook that is registered after this read and before the write is found by `ended`.
        """
        try:
            if not interested(job.owner, status):
                return {}
        except JobStoreUnavailable:
            pass  # not known: the outbox will find out
        return due(job.id, webhook_settings().webhook_publish_seconds)

    def ended(self, job: Job) -> None:
        """Make the deliveries and send their messages at once."""
        fan_out(job)


def notify_or_resume(item: Item) -> None:
    """Handle a job that is due: it has ended and its webhooks were not sent, or it needs a worker."""
    job = Job.from_item(item)
    if job.status in FINISHED:
        fan_out(job)
    else:
        resume_or_redrive(item)


def send_delivery(item: Item) -> None:
    """Handle a delivery that is due: send its message."""
    publish(item[KEY].removeprefix(PREFIX))
