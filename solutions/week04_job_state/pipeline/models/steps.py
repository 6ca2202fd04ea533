"""The tasks of a job: the entry task and four steps. Given."""

from __future__ import annotations

from dataclasses import dataclass

ENTRY_TASK = "pipeline.ingest_document"
"""The task that takes a job and publishes its first step. It has the number 0."""


@dataclass(frozen=True)
class Step:
    """One step of a job."""

    name: str
    task: str
    """The name of the Celery task."""
    percent: int
    """The job's progress once the step is done, 0 to 100."""


STEPS = (
    Step("parse", "pipeline.parse_document", 40),
    Step("chunk", "pipeline.chunk_document", 50),
    Step("embed", "pipeline.embed_chunks", 80),
    Step("index", "pipeline.index_document", 100),
)
"""The steps in their order. They are numbered from 1, so step `n` is `STEPS[n - 1]`."""

_NUMBERS = {ENTRY_TASK: 0} | {step.task: number for number, step in enumerate(STEPS, 1)}


def number_of(task: str) -> int | None:
    """Return 0 for the entry task, 1 to 4 for a step, None for a task that belongs to no job."""
    return _NUMBERS.get(task)
