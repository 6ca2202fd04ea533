"""`GET /admin/stats` and `GET /metrics`, for those who run the pipeline. Given to students complete.

Both need a key with the scope `admin`: the numbers are those of all owners. If a source cannot be
reached, its numbers are left out and `pipeline_source_up` says so. The other numbers are needed most then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from threading import Lock
from typing import TypeVar

from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from pipeline.api.threads import on_thread
from pipeline.json_logs import use_json
from pipeline.metrics.measures import node_registry
from pipeline.metrics.queues import QueueState, queue_states, unacknowledged
from pipeline.metrics.settings import metrics_settings
from pipeline.metrics.totals import Totals, count_all
from pipeline.models.errors import JobStoreUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

SUMMED = {
    "pipeline_retries_total": ("retries", "step"),
    "pipeline_dead_letters_total": ("dead_letters", "kind"),
    "pipeline_webhook_attempts_total": ("webhook_attempts", "outcome"),
    "pipeline_jobs_ended_total": ("jobs_ended", "status"),
}
"""The series that `GET /admin/stats` shows, with its own name for them, and the label by which it sums."""


@asynccontextmanager
async def _logging(_: FastAPI) -> AsyncIterator[None]:
    if metrics_settings().json_logs:
        use_json()
    yield


router = APIRouter(tags=["admin"], lifespan=_logging)


class RecentTotals:
    """The last count of all jobs. Many who ask at once wait for one count."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: Totals | None = None

    def get(self) -> Totals:
        """Return a count that is at most `totals_seconds` old. Blocks. Raises JobStoreUnavailable."""
        oldest = metrics_settings().totals_seconds
        with self._lock:
            if self._known is None or time.time() - self._known.as_of >= oldest:
                self._known = count_all()
            return self._known


totals = RecentTotals()


class QueueStats(BaseModel):
    """One queue."""

    name: str
    waiting: int = Field(ge=0)
    oldest_seconds: float | None = None
    """The age of the message that a worker takes next. Null: there is none, or it is not known."""


class AdminStats(BaseModel):
    """What `GET /admin/stats` answers. A part is null if its source cannot be reached."""

    as_of: datetime
    jobs: dict[str, int] | None
    """The jobs of all owners, by state."""
    jobs_complete: bool | None
    """False: there are more jobs than one count may read. The numbers are too low then."""
    queues: list[QueueStats] | None
    unacknowledged: int | None
    """Messages that workers have taken and not acknowledged."""
    counters: dict[str, dict[str, float]]
    """What this node has counted since it started: the other nodes export their own."""


def _try(what: str, ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except (JobStoreUnavailable, RedisError, OSError) as error:
        logger.warning("no numbers of %s: %r", what, error)
        return None


def _counters() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {name: {} for name, _ in SUMMED.values()}
    for family in node_registry().collect():
        for sample in family.samples:
            if sample.name in SUMMED:
                name, label = SUMMED[sample.name]
                value = sample.labels[label]
                found[name][value] = found[name].get(value, 0.0) + sample.value
    return found


def _stats() -> AdminStats:
    counted = _try("jobs", totals.get)
    queues = _try("queues", queue_states)
    return AdminStats(
        as_of=datetime.now(UTC),
        jobs={status.value: count for status, count in counted.by_status.items()}
        if counted
        else None,
        jobs_complete=counted.complete if counted else None,
        queues=None if queues is None else [QueueStats(**asdict(one)) for one in queues],
        unacknowledged=_try("queues", unacknowledged),
        counters=_counters(),
    )


class Gauges(Collector):
    """What is looked up when Prometheus asks: it belongs to no process."""

    def collect(self) -> Iterator[Metric]:
        counted = _try("jobs", totals.get)
        queues = _try("queues", queue_states)
        taken = _try("queues", unacknowledged)
        up = GaugeMetricFamily(
            "pipeline_source_up", "1 if the source could be read.", labels=["source"]
        )
        up.add_metric(["jobs"], float(counted is not None))
        up.add_metric(["queues"], float(queues is not None))
        yield up
        if counted is not None:
            jobs = GaugeMetricFamily("pipeline_jobs", "Jobs by state.", labels=["status"])
            for status, count in counted.by_status.items():
                jobs.add_metric([status.value], count)
            yield jobs
        if queues is not None:
            yield from _queue_families(queues)
        if taken is not None:
            yield GaugeMetricFamily(
                "pipeline_unacknowledged_messages",
                "Messages that workers have taken and not acknowledged.",
                value=taken,
            )


def _queue_families(queues: list[QueueState]) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "pipeline_queue_messages", "Messages that wait in a queue.", labels=["queue"]
    )
    oldest = GaugeMetricFamily(
        "pipeline_queue_oldest_seconds",
        "The age of the oldest message of a queue; 0 if it is empty.",
        labels=["queue"],
    )
    for queue in queues:
        waiting.add_metric([queue.name], queue.waiting)
        if queue.oldest_seconds is not None or not queue.waiting:
            oldest.add_metric([queue.name], queue.oldest_seconds or 0.0)
    yield waiting
    yield oldest


def _exposition() -> str:
    gauges = CollectorRegistry()
    gauges.register(Gauges())
    return (generate_latest(gauges) + generate_latest(node_registry())).decode()


@router.get("/admin/stats", summary="Numbers of the whole pipeline")
async def read_admin_stats() -> AdminStats:
    """Jobs by state, the queues with the age of their oldest message, and what this node has counted."""
    return await on_thread(_stats)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def read_metrics() -> PlainTextResponse:
    """The same numbers, and the histograms, in the text format of Prometheus."""
    return PlainTextResponse(await on_thread(_exposition), media_type=CONTENT_TYPE_LATEST)
