"""The possible decisions about one run of a task, as values. Given.

Nothing here imports Celery. `pipeline.tasks.job_task` turns an outcome into Celery's exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.models.job import Job

ClosingWrite = Callable[[Mapping[str, Any]], Job]
"""Ends a job with one conditional write, which also writes the given attributes. Returns the job as it
is after the write."""


@dataclass(frozen=True)
class Run:
    """Run the task."""


@dataclass(frozen=True)
class Drop:
    """End this run without a result. The row says whether the job needs another run."""

    reason: str


@dataclass(frozen=True)
class RetryAfter:
    """Publish the step's message again, after a delay."""

    seconds: float
    error: Exception
    """The reason why the step has to run again."""


@dataclass(frozen=True)
class GiveUp:
    """End the job as failed."""

    error: Exception
    write: ClosingWrite | None = None
    """The function that writes the end. None: write the state and the public error."""


@dataclass(frozen=True)
class Done:
    """The task has returned, and its end is written to the row."""

    result: Any


@dataclass(frozen=True)
class Failed:
    """The job has ended because of this error."""

    error: Exception


BeforeRun = Run | Drop | GiveUp | RetryAfter
AfterError = RetryAfter | Drop | GiveUp
Outcome = Done | Failed | RetryAfter | Drop
