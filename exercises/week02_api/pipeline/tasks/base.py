"""The wiring of week 2: the task base class, and the task that takes a new document."""

from celery import Task as PipelineTask

DOCUMENT_TASK = "pipeline.process_document"

__all__ = ["DOCUMENT_TASK", "PipelineTask"]
