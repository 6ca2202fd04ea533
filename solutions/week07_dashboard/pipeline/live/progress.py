"""Publishes how far a step is while it runs. Given to students complete.

The row tells which steps are done. What happens within a step is published and never written: a write
for each batch would cost more than it tells.
"""

from __future__ import annotations

import time

from pipeline.lifecycle.decisions import BeforeRun, Run
from pipeline.lifecycle.hooks import JobHook, TaskCall
from pipeline.live.settings import live_settings
from pipeline.models.job import Job
from pipeline.models.steps import STEPS
from pipeline.steps.progress import listen


class LiveProgress(JobHook):
    """Listens to each step that runs."""

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        """Let a new reporter hear of the step that is about to run."""
        listen(Reporter(job, call).report)
        return Run()


class Reporter:
    """Publishes the progress of one run of a step, at most every `progress_seconds`.

    The first report waits for as long, so a step that runs again does not report earlier.
    """

    def __init__(self, job: Job, call: TaskCall) -> None:
        self._job = job
        self._number = call.number
        self._step = call.step
        self._next = time.monotonic() + live_settings().progress_seconds

    def report(self, done: int, total: int) -> None:
        """Publish that `done` of `total` is done, if it is time."""
        now = time.monotonic()
        if not self._number or now < self._next:
            return
        self._next = now + live_settings().progress_seconds
        publish_progress(self._job, self._step, percent(self._number, done, total))


def percent(number: int, done: int, total: int) -> int:
    """How far a job is whose step `number` (from 1) has done `done` of `total`: 0 to 100."""
    start = STEPS[number - 2].percent if number > 1 else 0
    return start + (STEPS[number - 1].percent - start) * done // total


def publish_progress(job: Job, step: str, percent: int) -> None:
    """Publish a job's progress. Raises nothing that Redis raises."""
    # imported here: `pipeline.wiring` names this module, and the publisher needs the jobs table
    from pipeline.live.messages import Progress, StepProgressed
    from pipeline.live.publisher import publisher

    progress = Progress(job_id=job.id, step=step, percent=percent)
    publisher().publish(StepProgressed(owner=job.owner, progress=progress).model_dump_json())
