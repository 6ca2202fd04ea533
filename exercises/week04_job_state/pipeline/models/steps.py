"""The tasks that a job consists of: one that takes it in, and four steps. Given."""

from __future__ import annotations

from dataclasses import dataclass

ENTRY_TASK = "pipeline.ingest_document"
"""Takes a job and sends its steps on their way. It is number 0."""


@dataclass(frozen=True)
class Step:
    """One step of a job."""

    name: str
    task: str
    """The task that does it."""
    percent: int
    """How far the job is when the step is done."""


STEPS = (
    Step("parse", "pipeline.parse_document", 40),
    Step("chunk", "pipeline.chunk_document", 50),
    Step("embed", "pipeline.embed_chunks", 80),
    Step("index", "pipeline.index_document", 100),
)
"""In their order. Steps are numbered from 1, so step `n` is `STEPS[n - 1]`."""

_NUMBERS = {ENTRY_TASK: 0} | {step.task: number for number, step in enumerate(STEPS, 1)}


def number_of(task: str) -> int | None:
    """0 for the entry task, 1 to 4 for a step, None for a task that belongs to no job."""
    return _NUMBERS.get(task)
