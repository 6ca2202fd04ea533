"""What week 5 adds to the pipeline. Given to students complete.

Only the newest week's file of this name is used. `SUBMIT`, `TASK_STATE` and `PARSER` are text because
the modules that they name import this one.
"""

from pipeline.lifecycle.due import DueHandler
from pipeline.lifecycle.hooks import JobHook
from pipeline.lifecycle.retries import Alerts, Retries, resume_or_redrive
from pipeline.models.job import KIND
from pipeline.models.steps import ENTRY_TASK as DOCUMENT_TASK
from pipeline.tasks.job_task import JobTask as PipelineTask

SUBMIT = "pipeline.api.jobs:accept"
"""The function that accepts a document: it writes the job's row, then publishes its message."""
TASK_STATE = "pipeline.lifecycle.lookup:task_state"
"""The function that reads what `GET /tasks/{id}` shows from the job's row."""
PARSER = "pipeline.steps.sandbox:parse_in_child"
"""The function that turns a stored file into pages. It takes the open file and its content type."""
RESULTS_ARE_THE_RECORD = False
"""Whether Celery's result backend is the record. From week 4 on the job's row is, and only the row
stores progress."""
OUTBOX_IN_API = True
"""Whether the API process runs the outbox. If not, `python -m pipeline.outbox` runs it."""
HOOKS: tuple[JobHook, ...] = (Retries(), Alerts())
"""Hooks that run before a task, after an error and at the end of a job, in this order."""
ROW_WRITTEN: str | None = None
"""The function that is called after each write to the jobs table."""
DUE_HANDLERS: dict[str, DueHandler] = {KIND: resume_or_redrive}
"""The function that handles a due item, by the item's kind."""

__all__ = ["DOCUMENT_TASK", "PipelineTask"]
