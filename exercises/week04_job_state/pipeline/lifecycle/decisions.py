"""What can be decided about one run of a task, as values. Given.

Nothing here knows Celery: `pipeline.tasks.job_task` turns the outcome into what Celery wants raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.models.job import Job

ClosingWrite = Callable[[Mapping[str, Any]], Job]
"""Ends a job in one conditional write, with further attributes, and returns it as it is then."""


@dataclass(frozen=True)
class Run:
    """Go on with the job."""


@dataclass(frozen=True)
class Drop:
    """End this run without a result. The row says whether the job needs another run."""

    reason: str


@dataclass(frozen=True)
class RetryAfter:
    """Send the step's message again."""

    seconds: float
    error: Exception
    """Why the step has to run again."""


@dataclass(frozen=True)
class GiveUp:
    """End the job as failed."""

    error: Exception
    write: ClosingWrite | None = None
    """How that is written. None: the state and the error that a client may read."""


@dataclass(frozen=True)
class Done:
    """The task has returned, and the row says so."""

    result: Any


@dataclass(frozen=True)
class Failed:
    """The job has ended because of this error."""

    error: Exception


BeforeRun = Run | Drop | GiveUp
AfterError = RetryAfter | Drop | GiveUp
Outcome = Done | Failed | RetryAfter | Drop
