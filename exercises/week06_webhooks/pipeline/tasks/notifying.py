"""Tasks that tell the job's owner how it ended. Given."""

from __future__ import annotations

from typing import Any

from celery.utils.log import get_task_logger

from pipeline.models.job import FINISHED, Job
from pipeline.models.table import KEY, Item
from pipeline.tasks.reliable import ReliableTask
from pipeline.webhooks.deliveries import PREFIX, due
from pipeline.webhooks.fan_out import fan_out, publish
from pipeline.webhooks.settings import webhook_settings

logger = get_task_logger(__name__)


class NotifyingTask(ReliableTask):
    """Week 5's task with webhooks.

    The write that ends a job makes it due as well. So from that write on, somebody will tell of it,
    whatever becomes of this worker.
    """

    abstract = True

    def finishing(self, job: Job) -> dict[str, Any]:
        """As ever, and the job is due: it has to be told."""
        seconds = webhook_settings().webhook_publish_seconds
        return {**super().finishing(job), **due(job.id, seconds)}

    def succeed(self, job: Job, number: int, result: Any) -> Job:
        """As ever; and tell it at once if that was the end."""
        return self._told(super().succeed(job, number, result))

    def fail(self, job: Job, error: Exception) -> Job:
        """As ever; and tell it at once if that was the end."""
        return self._told(super().fail(job, error))

    def look_after(self, job: Job) -> None:
        """The job is due: it has ended and was not told, or its message is lost, or its worker."""
        if job.status in FINISHED:
            fan_out(job)
        else:
            super().look_after(job)

    def look_after_item(self, item: Item) -> None:
        """A delivery is due, or a job."""
        if item[KEY].startswith(PREFIX):
            publish(item[KEY].removeprefix(PREFIX))
        else:
            super().look_after_item(item)

    def _told(self, job: Job) -> Job:
        """Nothing that goes wrong here harms the job: it is due, and will be looked after."""
        if job.status in FINISHED:
            try:
                fan_out(job)
            except Exception as error:
                logger.warning("job %s will be told of later", job.id, exc_info=error)
        return job
