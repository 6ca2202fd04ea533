"""The wiring of week 3: the task base class, and the task that takes a new document."""

from celery import Task as PipelineTask

DOCUMENT_TASK = "pipeline.ingest_document"

__all__ = ["DOCUMENT_TASK", "PipelineTask"]
