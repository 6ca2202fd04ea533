"""The Celery app: one object that producer and worker share.

Start a worker with `celery -A pipeline.tasks.celery_config worker`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from celery import Celery

from pipeline.discovery import modules_in
from pipeline.settings import BROKER_DATABASE, RESULT_DATABASE, worker_settings


def connection() -> dict[str, Any]:
    """Where messages and results go, and in which form.

    Returns Celery settings: broker on Redis database 0, results on database 1, JSON and nothing
    else in both directions, UTC, and an expiry for results, all from `worker_settings()`.
    """
    settings = worker_settings()
    # TODO 1.1: Name the broker and the result backend: each on its own database of the same Redis
    #   server.
    #   Send JSON and accept JSON alone: a pickle from a stranger runs code when it is opened.
    #   Keep time in UTC, and let results expire when `worker_settings()` says.
    #   Return a dict. Celery's names for its keys are in the lesson "Setting Celery up".
    raise NotImplementedError("1.1")


def slots() -> dict[str, Any]:
    """How many tasks a worker runs at once, and how many it takes ahead of time.

    Returns Celery settings: as many slots as `worker_settings().worker_concurrency`, and one
    message reserved ahead for each, so a second worker finds work too.
    """
    # TODO 1.4: Set the number of slots from the settings.
    #   A worker reserves messages ahead. For long tasks, let it reserve one for each slot and no
    #   more.
    raise NotImplementedError("1.4")


def delivery() -> dict[str, Any]:
    """What happens to a message whose worker dies half way.

    Returns Celery settings: the message is acknowledged after the work and not before, and a lost
    worker process counts as "run it again", a limited number of times.
    """
    # TODO 1.5: Acknowledge late: after the task has run, not when it is taken.
    #   Late acknowledgement alone is not enough when the process that runs the task is killed:
    #   also say what a lost worker means. Look for a policy that ends, and does not loop for ever.
    #   How often and how soon it runs again is given: `redelivery()`, below.
    raise NotImplementedError("1.5")


def redelivery() -> dict[str, Any]:
    """How soon, and how often, a message is delivered again after a crash. Given.

    By Redis, when a whole worker node is gone; by the worker, when one of its processes is.
    """
    settings = worker_settings()
    waits = {"socket_connect_timeout": 2.0, "socket_timeout": 5.0}  # seconds; an error, not a hang
    broker = {
        "visibility_timeout": settings.visibility_timeout_seconds,
        "unacked_restore_interval": 1,  # seconds between looks at what is overdue
        "unacked_restore_throttle": 1,  # look at every interval, not at every tenth
        **waits,
    }
    lost_worker = {
        "max_retries": settings.lost_worker_retries,
        "default_retry_delay": settings.lost_worker_retry_seconds,  # Celery's own default is 180
    }
    return {
        "broker_transport_options": broker,
        "result_backend_transport_options": broker,
        **{f"redis_{name}": seconds for name, seconds in waits.items()},
        "visibility_timeout": settings.visibility_timeout_seconds,
        "task_annotations": {"*": lost_worker},
    }


def configuration() -> dict[str, Any]:
    """All settings together. Celery calls this when it first needs one."""
    settings = {**connection(), **redelivery(), "imports": modules_in("pipeline.tasks")}
    for part in (slots, delivery):
        with suppress(NotImplementedError):  # still an exercise: Celery's default stays in force
            settings |= part()
    return settings


app = Celery("pipeline", task_cls="pipeline.wiring:PipelineTask")
app.add_defaults(configuration)
