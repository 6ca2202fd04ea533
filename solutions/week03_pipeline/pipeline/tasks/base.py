"""The wiring of week 3: the task base class, and the task that takes a new document."""

from celery import Task as PipelineTask

DOCUMENT_TASK = "pipeline.ingest_document"

RESULTS_ARE_THE_RECORD = True
"""Nothing but the result backend knows of a new document: one that it does not take is refused."""

__all__ = ["DOCUMENT_TASK", "RESULTS_ARE_THE_RECORD", "PipelineTask"]
