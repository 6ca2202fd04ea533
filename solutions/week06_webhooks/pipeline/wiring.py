"""Names the parts that week 6 adds to the pipeline. Given to students complete.

Each week can have a file of this name, and the newest is used. `SUBMIT`, `TASK_STATE` and `PARSER` are
text, because the modules that they name import this one.
"""

from pipeline.lifecycle.due import DueHandler
from pipeline.lifecycle.hooks import JobHook
from pipeline.lifecycle.retries import Alerts, Retries
from pipeline.models import job
from pipeline.models.steps import ENTRY_TASK as DOCUMENT_TASK
from pipeline.tasks.job_task import JobTask as PipelineTask
from pipeline.webhooks import deliveries
from pipeline.webhooks.hook import Webhooks, notify_or_resume, send_delivery

SUBMIT = "pipeline.api.jobs:accept"
"""Accepts a document: writes the job's row, then publishes its message."""
TASK_STATE = "pipeline.lifecycle.lookup:task_state"
"""Finds what `GET /tasks/{id}` shows: on the job's row."""
PARSER = "pipeline.steps.sandbox:parse_in_child"
"""Turns a stored file into pages. Takes the open file and its content type."""
RESULTS_ARE_THE_RECORD = False
"""The row of the job is the record, so progress is written there and not as a Celery result."""
OUTBOX_IN_API = True
"""Whether the API process runs the outbox. Otherwise run `python -m pipeline.outbox`."""
HOOKS: tuple[JobHook, ...] = (Retries(), Alerts(), Webhooks())
"""The hooks that are called during the life of a job, in this order."""
ROW_WRITTEN: str | None = None
"""The function that is called after each write to the jobs table."""
DUE_HANDLERS: dict[str, DueHandler] = {job.KIND: notify_or_resume, deliveries.KIND: send_delivery}
"""The function that handles a due item, by the item's kind."""

__all__ = ["DOCUMENT_TASK", "PipelineTask"]
