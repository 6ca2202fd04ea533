"""The hooks that measure a job's life. Given to students complete.

A number that cannot be counted never fails a job, so errors are logged, and nothing else happens.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from pipeline.lifecycle.decisions import AfterError, BeforeRun, Run
from pipeline.lifecycle.hooks import JobHook, TaskCall
from pipeline.metrics.measures import STEP_SECONDS, count_end, count_retry
from pipeline.models.dead_letters import ReliableJob
from pipeline.models.job import Job, Status

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clock:
    """A step that runs in this process."""

    step: str
    started: float


_running: ContextVar[Clock | None] = ContextVar("running", default=None)


@contextmanager
def harmless(what: str) -> Iterator[None]:
    """Log an error of the block. A block that is still an exercise counts nothing."""
    try:
        yield
    except NotImplementedError:
        pass
    except Exception:
        logger.warning("%s could not be counted", what, exc_info=True)


class CountedRetries(JobHook):
    """Asks the hook of week 5, and counts what it decides: it alone knows whether a step is retried."""

    def __init__(self, retries: JobHook) -> None:
        self._retries = retries

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        return self._retries.before(job, call)

    def on_error(self, job: Job, call: TaskCall, error: Exception) -> AfterError | None:
        decision = self._retries.on_error(job, call, error)
        with harmless("a retry"):
            count_retry(call.step, decision)
        return decision

    def closing(self, job: Job, status: Status) -> Mapping[str, Any]:
        return self._retries.closing(job, status)

    def ended(self, job: Job) -> None:
        self._retries.ended(job)


class Metrics(JobHook):
    """Starts the clock of a step, and counts the ends of jobs. It is the last hook."""

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        """Start the clock. All other hooks have let the step run."""
        _running.set(Clock(call.step, time.monotonic()) if call.number else None)
        return Run()

    def ended(self, job: Job) -> None:
        with harmless("the end of a job"):
            count_end(ReliableJob.of(job))


def stop_clock(outcome: str) -> None:
    """Observe how long the step took that ran in this process. A run that was dropped has no clock."""
    clock = _running.get()
    _running.set(None)
    if clock is not None:
        with harmless("the duration of a step"):
            STEP_SECONDS.labels(clock.step, outcome).observe(time.monotonic() - clock.started)
