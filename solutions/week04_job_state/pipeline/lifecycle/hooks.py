"""Hooks: the places where later weeks add behavior to a job. Given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.lifecycle.decisions import AfterError, BeforeRun, Run
from pipeline.models.job import Job, Status
from pipeline.models.steps import STEPS

ENTRY_STEP = "ingest"
"""The name of the entry task, where the name of a step is wanted."""


@dataclass(frozen=True)
class TaskCall:
    """One delivery of a task's message to a worker."""

    number: int
    """0 for the entry task, 1 to 4 for a step."""
    task: str
    worker: str
    arguments: list[Any]

    @property
    def job_id(self) -> str:
        return str(self.arguments[0]["document_id"])

    @property
    def step(self) -> str:
        """The name of the step."""
        return STEPS[self.number - 1].name if self.number else ENTRY_STEP


class JobHook:
    """A hook. A week overrides the methods that it needs, and the others do nothing."""

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        """Decide about a run after the job was taken, and before the task starts."""
        return Run()

    def on_error(self, job: Job, call: TaskCall, error: Exception) -> AfterError | None:
        """Decide what an error of the task means. None leaves the decision to the next hook.

        Raises:
            JobConflict: the job was cancelled, or taken by another worker.
        """
        return None

    def closing(self, job: Job, status: Status) -> Mapping[str, Any]:
        """Return further attributes for the write that ends the job in `status`."""
        return {}

    def ended(self, job: Job) -> None:
        """React to the end of a job. An exception is logged, and does not change the job."""


def hooks() -> Sequence[JobHook]:
    """Return the hooks of all weeks, in the order of `pipeline.wiring`.

    The import is inside the function, because `pipeline.wiring` names modules that import this one.
    """
    from pipeline.wiring import HOOKS

    return HOOKS
