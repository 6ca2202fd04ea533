"""What a worker does around each task, and what it exports. Given to students complete."""

from __future__ import annotations

import logging
from typing import Any

from celery import states
from celery.signals import setup_logging, task_postrun, task_prerun, worker_init
from prometheus_client import start_http_server

from pipeline.json_logs import JOB_ID, TASK_ID, use_json
from pipeline.metrics.hook import stop_clock
from pipeline.metrics.measures import node_registry
from pipeline.metrics.settings import metrics_settings
from pipeline.models.steps import number_of

logger = logging.getLogger(__name__)

OUTCOMES = {states.SUCCESS: "done", states.RETRY: "retry", states.FAILURE: "failed"}
DROPPED = "dropped"
"""The row rejected the step's write, or keeps the delay of its retry."""


def job_of(task: str, arguments: Any) -> str | None:
    """Return the id of the job that a task belongs to. None: it belongs to none."""
    if number_of(task) is None or not arguments or not isinstance(arguments[0], dict):
        return None
    found = arguments[0].get("document_id")
    return str(found) if found else None


@task_prerun.connect
def begin(task_id: str = "", task: Any = None, args: Any = None, **_: Any) -> None:
    """Let all log lines of the task carry its id and its job's id."""
    TASK_ID.set(task_id)
    JOB_ID.set(job_of(task.name, args))


@task_postrun.connect
def end(state: str | None = None, **_: Any) -> None:
    """Stop the clock of the step, whatever its outcome."""
    stop_clock(OUTCOMES.get(state or "", DROPPED))
    TASK_ID.set(None)
    JOB_ID.set(None)


@worker_init.connect
def export(**_: Any) -> None:
    """Serve the metrics of this node, from its main process."""
    settings = metrics_settings()
    if settings.metrics_port is None:
        return
    try:
        start_http_server(settings.metrics_port, settings.metrics_host, node_registry())
    except OSError as error:  # the port is taken: tasks are worth more than their numbers
        logger.warning("no metrics are served: %r", error)


if metrics_settings().json_logs:

    @setup_logging.connect(weak=False)
    def log_as_json(loglevel: Any = logging.INFO, **_: Any) -> None:
        """Replace Celery's own set-up of logs, in workers and in Beat."""
        use_json(loglevel if loglevel is not None else logging.INFO)
