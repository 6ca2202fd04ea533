"""Publishes the message that makes a worker look at a job. Given."""

from __future__ import annotations

from typing import Any

from pipeline.documents import DocumentRef
from pipeline.models.steps import ENTRY_TASK
from pipeline.tasks.celery_config import app


def publish(document: DocumentRef, **options: Any) -> None:
    """Publish a job's message, with the job's id as the task's id.

    Args:
        document: the document of the job.
        options: further options of Celery's `send_task`.

    Raises:
        kombu.exceptions.OperationalError: the broker cannot be reached.
    """
    app.send_task(ENTRY_TASK, args=[document.as_message()], task_id=document.document_id, **options)
