"""The job hook that sends webhooks at the end of a job. Given to students complete.

The write that ends a job also makes it due. So if this process dies right after that write, the outbox
finds the job and sends the webhooks.
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
    """Notifies the owner of a job when it has ended."""

    def closing(self, job: Job, status: Status) -> Mapping[str, Any]:
        """Make the job due if an endpoint subscribes to its end. Without one, this saves a write.

        If an endpoint is registered between this read and the write, `ended` finds it.
        """
        try:
            if not interested(job.owner, status):
                return {}
        except JobStoreUnavailable:
            pass  # unknown, so let the outbox look at the job
        return due(job.id, webhook_settings().webhook_publish_seconds)

    def ended(self, job: Job) -> None:
        """Create the deliveries and send their messages at once."""
        fan_out(job)


def notify_or_resume(item: Item) -> None:
    """Handle a job that is due: send the webhooks of a finished job, or redrive an unfinished one."""
    job = Job.from_item(item)
    if job.status in FINISHED:
        fan_out(job)
    else:
        resume_or_redrive(item)


def send_delivery(item: Item) -> None:
    """Handle a delivery that is due: send its message."""
    publish(item[KEY].removeprefix(PREFIX))
