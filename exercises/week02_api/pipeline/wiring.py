"""What week 2 adds to the pipeline. Given to students complete.

Every week has a file of this name, and Python imports that of the newest week. `SUBMIT` and `TASK_STATE`
are text, because the modules that they name import this one.
"""

from celery import Task as PipelineTask

DOCUMENT_TASK = "pipeline.process_document"
"""The name of the task that processes a new document."""
SUBMIT = "pipeline.api.uploads:accept"
"""The function that accepts a document: it publishes a message for it."""
TASK_STATE = "pipeline.queueing:task_state"
"""The function that finds what `GET /tasks/{id}` shows. This week it reads the result backend."""
RESULTS_ARE_THE_RECORD = True
"""Progress is written to the result backend, because no other record of a document exists yet."""

__all__ = ["DOCUMENT_TASK", "RESULTS_ARE_THE_RECORD", "SUBMIT", "TASK_STATE", "PipelineTask"]
