"""What week 5 adds to the pipeline. Given. The newest week's file of this name is in force.

`SUBMIT`, `TASK_STATE` and `PARSER` are text because the modules that they name import this one.
"""

from pipeline.lifecycle.due import DueHandler
from pipeline.lifecycle.hooks import JobHook
from pipeline.lifecycle.retries import Alerts, Retries, resume_or_redrive
from pipeline.models.job import KIND
from pipeline.models.steps import ENTRY_TASK as DOCUMENT_TASK
from pipeline.tasks.job_task import JobTask as PipelineTask

SUBMIT = "pipeline.api.jobs:accept"
"""Accepts a document: writes the job's row, then publishes its message."""
TASK_STATE = "pipeline.lifecycle.lookup:task_state"
"""Finds what `GET /tasks/{id}` shows: on the job's row."""
PARSER = "pipeline.steps.sandbox:parse_in_child"
"""Turns a stored file into pages. Takes the open file and its content type."""
RESULTS_ARE_THE_RECORD = False
"""The job's row is the record, so progress is written there alone."""
OUTBOX_IN_API = True
"""Whether the API process runs the outbox. If not, `python -m pipeline.outbox` runs it."""
HOOKS: tuple[JobHook, ...] = (Retries(), Alerts())
"""What joins in at the turns of a job's life, in this order."""
ROW_WRITTEN: str | None = None
"""Who hears of each write to the jobs table, after it."""
DUE_HANDLERS: dict[str, DueHandler] = {KIND: resume_or_redrive}
"""Who handles an item that is due, by the item's kind."""

__all__ = ["DOCUMENT_TASK", "PipelineTask"]
