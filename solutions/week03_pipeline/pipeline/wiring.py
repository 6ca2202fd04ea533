"""What week 3 adds to the pipeline. Given. The newest week's file of this name is in force.

`SUBMIT`, `TASK_STATE` and `PARSER` are text because the modules that they name import this one.
"""

from celery import Task as PipelineTask

DOCUMENT_TASK = "pipeline.ingest_document"
"""The task that takes a new document and hands it to the four steps."""
SUBMIT = "pipeline.api.uploads:accept"
"""Accepts a document: puts it in the queue."""
TASK_STATE = "pipeline.queueing:task_state"
"""Finds what `GET /tasks/{id}` shows: in the result backend."""
PARSER = "pipeline.steps.sandbox:parse_in_child"
"""Turns a stored file into pages. Takes the open file and its content type."""
RESULTS_ARE_THE_RECORD = True
"""Progress is written to the result backend: nothing else knows of a document."""

__all__ = [
    "DOCUMENT_TASK",
    "PARSER",
    "RESULTS_ARE_THE_RECORD",
    "SUBMIT",
    "TASK_STATE",
    "PipelineTask",
]
