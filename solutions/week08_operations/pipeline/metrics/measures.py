"""What is measured, and which event changes which number.

A label has few possible values: the name of a step, a state, the kind of an error. Each combination of
labels is a time series that Prometheus keeps, so a job's id is never a label.
"""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from pipeline.lifecycle.decisions import AfterError, Drop, RetryAfter
from pipeline.metrics import folder
from pipeline.models.dead_letters import ReliableJob
from pipeline.models.job import Status

OURS = CollectorRegistry()
"""The measures of this process."""


def step_buckets() -> list[float]:
    """Return the upper bounds of the histogram of step durations, in seconds.

    A histogram counts how many durations are below each bound. A quantile that is calculated from it is
    only as exact as the distance between two bounds.

    Returns:
        The bounds in ascending order. The library adds one for infinity.
    """
    # BEGIN SOLUTION 8.6
    # ? a) Begin at 0.05 s or below, because parsing a short text is fast. End at 900 s or above, which is
    # ? the time limit of a task.
    # ? b) Let each bound be larger than the one before it, and at most three times as large.
    # ? c) Return 20 bounds at most. Each is a time series for each step and outcome on each node.
    return [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300, 900]
    # END SOLUTION


def _bounds() -> list[float]:
    with suppress(NotImplementedError):  # until the exercise is done
        return step_buckets()
    return list(Histogram.DEFAULT_BUCKETS)


STEP_SECONDS = Histogram(
    "pipeline_step_seconds",
    "How long a step of a job ran, by its outcome: done, retry, failed or dropped.",
    ["step", "outcome"],
    buckets=_bounds(),
    registry=OURS,
)
RETRIES = Counter(
    "pipeline_retries", "Failed attempts of a step that is tried again.", ["step"], registry=OURS
)
JOBS_ENDED = Counter("pipeline_jobs_ended", "Jobs that ended, by state.", ["status"], registry=OURS)
DEAD_LETTERS = Counter(
    "pipeline_dead_letters",
    "Jobs that were dead-lettered, by step and kind of error.",
    ["step", "kind"],
    registry=OURS,
)
WEBHOOKS = Counter(
    "pipeline_webhook_attempts",
    "Attempts to deliver a webhook, by outcome: 2xx to 5xx, or the kind of error.",
    ["outcome"],
    registry=OURS,
)


def count_retry(step: str, decision: AfterError | None) -> None:
    """Count a failed attempt, if the step is tried again. Called once for each failed attempt.

    Args:
        step: the name of the step.
        decision: what week 5 has decided about the error.
    """
    # BEGIN SOLUTION 8.6
    # ? d) Add 1 to `RETRIES` for this step if the decision is `RetryAfter`, where a message keeps the
    # ? delay, or `Drop`, where the row keeps it.
    # ? e) Count nothing if the job is given up, or if nothing is decided. The last failure of a job is no
    # ? retry.
    if isinstance(decision, RetryAfter | Drop):
        RETRIES.labels(step).inc()
    # END SOLUTION


def count_end(job: ReliableJob) -> None:
    """Count a job that has ended. Called once for each end, after the write that ends the job.

    Args:
        job: the job as it is after this write. Its `dead_letter` is None if it has none.
    """
    # BEGIN SOLUTION 8.6
    # ? f) Add 1 to `JOBS_ENDED` for the job's status: `completed`, `failed` or `cancelled`.
    # ? g) If the job failed and has a dead letter, add 1 to `DEAD_LETTERS`, labelled with the letter's
    # ? `step` and `kind`, which have few values. A replayed job that was cancelled counts no letter.
    JOBS_ENDED.labels(job.status.value).inc()
    if job.status == Status.FAILED and job.dead_letter is not None:
        DEAD_LETTERS.labels(job.dead_letter.step, job.dead_letter.kind).inc()
    # END SOLUTION


def node_registry() -> CollectorRegistry:
    """Return the numbers of all processes of this node. Given to students complete."""
    if not folder.shared():
        return OURS
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
