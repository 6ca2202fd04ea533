"""What week 8 adds to the pipeline. Given to students complete.

Only the newest week's file of this name is used.

`SUBMIT`, `TASK_STATE`, `PARSER` and `ROW_WRITTEN` are text because the modules that they name import
this one.
"""

from pipeline.lifecycle.due import DueHandler
from pipeline.lifecycle.hooks import JobHook
from pipeline.lifecycle.retries import Alerts, Retries
from pipeline.live.progress import LiveProgress
from pipeline.metrics.hook import CountedRetries, Metrics
from pipeline.metrics.queues import stamp as _stamp  # writes its time into each message  # noqa: F401
from pipeline.models import blob_uses, job
from pipeline.models.blob_uses import release_due
from pipeline.models.steps import ENTRY_TASK as DOCUMENT_TASK
from pipeline.tasks import routing as _routing  # sets the queues in every process  # noqa: F401
from pipeline.tasks.cancellation import Cancellation
from pipeline.tasks.job_task import JobTask as PipelineTask
from pipeline.tasks.rate_limit import RateLimit
from pipeline.webhooks import deliveries
from pipeline.webhooks.hook import Webhooks, notify_or_resume, send_delivery

SUBMIT = "pipeline.api.priority:accept"
"""Accepts a document: reads whether it is urgent, writes the job's row, then publishes its message."""
TASK_STATE = "pipeline.lifecycle.lookup:task_state"
"""Finds what `GET /tasks/{id}` shows: on the job's row."""
PARSER = "pipeline.steps.fast_parse:parse"
"""Turns a stored file into pages. Takes the open file and its content type."""
RESULTS_ARE_THE_RECORD = False
"""The job's row is the record, so progress is written there alone."""
OUTBOX_IN_API = False
"""Whether the API process runs the outbox. From this week on Beat sends `pipeline.sweep` instead."""
HOOKS: tuple[JobHook, ...] = (
    Cancellation(),
    CountedRetries(Retries()),
    Alerts(),
    Webhooks(),
    RateLimit(),
    LiveProgress(),
    Metrics(),
)
"""What joins in at the turns of a job's life, in this order."""
ROW_WRITTEN: str | None = "pipeline.metrics.rows:row_written"
"""Who hears of each write to the jobs table, after it. Week 7's publisher is called from there."""
DUE_HANDLERS: dict[str, DueHandler] = {
    job.KIND: notify_or_resume,
    deliveries.KIND: send_delivery,
    blob_uses.KIND: release_due,
}
"""Who handles an item that is due, by the item's kind."""

__all__ = ["DOCUMENT_TASK", "PipelineTask"]
