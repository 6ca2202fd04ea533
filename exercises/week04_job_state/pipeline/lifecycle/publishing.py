"""The message that brings a job to a worker. Given."""

from __future__ import annotations

from typing import Any

from pipeline.documents import DocumentRef
from pipeline.models.steps import ENTRY_TASK
from pipeline.tasks.celery_config import app


def publish(document: DocumentRef, **options: Any) -> None:
    """Send a job's message, under the job's id. `options` are those of Celery's `send_task`.

    Raises what Celery raises when the broker does not take it.
    """
    app.send_task(ENTRY_TASK, args=[document.as_message()], task_id=document.document_id, **options)
