"""The wiring of week 6: the task base class, and the task that takes a new document."""

from pipeline.models.steps import ENTRY_TASK as DOCUMENT_TASK
from pipeline.tasks.notifying import NotifyingTask as PipelineTask

RESULTS_ARE_THE_RECORD = False
"""The job row is."""

__all__ = ["DOCUMENT_TASK", "RESULTS_ARE_THE_RECORD", "PipelineTask"]
