"""What week 3 adds to the pipeline. Given to students complete.

Each week has a file of this name, and Python uses the one of the newest week. `SUBMIT`, `TASK_STATE` and
`PARSER` are text, because the modules that they name import this one.
"""

from celery import Task as PipelineTask

DOCUMENT_TASK = "pipeline.ingest_document"
"""The task that takes a new document and passes it to the four steps."""
SUBMIT = "pipeline.api.uploads:accept"
"""The function that accepts a document: it puts a message in the queue."""
TASK_STATE = "pipeline.queueing:task_state"
"""The function that reads what `GET /tasks/{id}` shows, here from the result backend."""
PARSER = "pipeline.steps.sandbox:parse_in_child"
"""The function that turns a stored file into pages. It takes the open file and its content type."""
RESULTS_ARE_THE_RECORD = True
"""Whether progress is written to the result backend. It is, because no other store knows a document yet."""

__all__ = [
    "DOCUMENT_TASK",
    "PARSER",
    "RESULTS_ARE_THE_RECORD",
    "SUBMIT",
    "TASK_STATE",
    "PipelineTask",
]
