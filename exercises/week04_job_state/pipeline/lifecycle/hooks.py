"""Where later weeks join in a job's life. Given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.lifecycle.decisions import AfterError, BeforeRun, Run
from pipeline.models.job import Job, Status
from pipeline.models.steps import STEPS

ENTRY_STEP = "ingest"
"""What the entry task is called among the steps."""


@dataclass(frozen=True)
class TaskCall:
    """One delivery of a task's message to a worker."""

    number: int
    """0 for the entry task, 1 and up for a step."""
    task: str
    worker: str
    arguments: list[Any]

    @property
    def job_id(self) -> str:
        return str(self.arguments[0]["document_id"])

    @property
    def step(self) -> str:
        """The step's name."""
        return STEPS[self.number - 1].name if self.number else ENTRY_STEP


class JobHook:
    """What a week adds to a job's life. Override what it needs; the rest does nothing."""

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        """Decide about a run: the job has been taken, and the task has not started."""
        return Run()

    def on_error(self, job: Job, call: TaskCall, error: Exception) -> AfterError | None:
        """Decide what an error of the task means. None: leave it to the next hook.

        Raises:
            JobConflict: the job was cancelled, or taken by another worker.
        """
        return None

    def closing(self, job: Job, status: Status) -> Mapping[str, Any]:
        """Further attributes for the write that ends the job in `status`."""
        return {}

    def ended(self, job: Job) -> None:
        """The job has ended. An exception here is logged, and changes nothing for the job."""


def hooks() -> Sequence[JobHook]:
    """The hooks of all weeks, in the order of `pipeline.wiring`.

    Imported when it is called, because `pipeline.wiring` names modules that import this one.
    """
    from pipeline.wiring import HOOKS

    return HOOKS
