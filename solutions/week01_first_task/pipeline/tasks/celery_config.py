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
    """Build the settings for where messages and results are stored, and in which format.

    Returns:
        Celery settings, with all values from `worker_settings()`: the broker on Redis database 0,
        results on database 1, JSON as the only format in both directions, times in UTC, and an
        expiry for results.
    """
    settings = worker_settings()
    # BEGIN SOLUTION 1.1
    # ? a) Return a dict of Celery settings, with the address and the expiry from `settings`. The
    # ?    lesson "Setting Celery up" lists their names.
    # ? b) Put the broker on database `BROKER_DATABASE` and the result backend on `RESULT_DATABASE`.
    # ? c) Send tasks and results as JSON, and accept no other format, neither pickle nor YAML:
    # ?    opening a pickle runs its code.
    # ? d) Keep times in UTC, and let results expire after `settings.result_expires_seconds`.
    return {
        "broker_url": settings.redis_database(BROKER_DATABASE),
        "result_backend": settings.redis_database(RESULT_DATABASE),
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "timezone": "UTC",
        "enable_utc": True,
        "result_expires": settings.result_expires_seconds,
    }
    # END SOLUTION


def slots() -> dict[str, Any]:
    """Build the settings for how many tasks a worker runs at once, and how many it reserves.

    Returns:
        Celery settings: `worker_settings().worker_concurrency` slots, and one message reserved for
        each slot, so that a second worker finds messages too.
    """
    # BEGIN SOLUTION 1.4
    # ? a) Set the number of slots to `worker_settings().worker_concurrency`, however small or large.
    # ? b) Let a worker reserve one message for each of its slots, and no more.
    return {
        "worker_concurrency": worker_settings().worker_concurrency,
        "worker_prefetch_multiplier": 1,
    }
    # END SOLUTION


def delivery() -> dict[str, Any]:
    """Build the settings for what happens to a message when its worker dies while the task runs.

    Returns:
        Celery settings: the worker acknowledges a message after the task has run, and it retries a
        task whose process was killed, a limited number of times.
    """
    # BEGIN SOLUTION 1.5
    # ? a) Acknowledge a message after its task has run, not when the worker takes it.
    # ? b) Retry a task whose process was killed, whichever task it is. Choose the setting that stops
    # ?    after a limit.
    # ? c) Leave the limit, the delay and the visibility timeout to `redelivery()` below, which is
    # ?    given.
    return {
        "task_acks_late": True,
        "task_retry_on_worker_lost": True,
    }
    # END SOLUTION


def redelivery() -> dict[str, Any]:
    """Build the settings for how soon, and how often, a message is redelivered after a crash.

    Given to students complete. If a whole worker node is lost, another worker redelivers its
    messages. If only one of its processes is lost, the worker itself retries the task.
    """
    settings = worker_settings()
    timeouts = {"socket_connect_timeout": 2.0, "socket_timeout": 5.0}  # seconds: fail, do not hang
    broker = {
        "visibility_timeout": settings.visibility_timeout_seconds,
        "unacked_restore_interval": 1,  # seconds between two searches for overdue messages
        "unacked_restore_throttle": 1,  # search at every interval, not at every tenth
        "unacked_mutex_expire": 5,  # seconds until the lock of a search ends, if its worker is killed
        **timeouts,
    }
    lost_worker = {
        "max_retries": settings.lost_worker_retries,
        "default_retry_delay": settings.lost_worker_retry_seconds,  # Celery's default: 180 s
    }
    return {
        "broker_transport_options": broker,
        "result_backend_transport_options": broker,
        **{f"redis_{name}": seconds for name, seconds in timeouts.items()},
        "visibility_timeout": settings.visibility_timeout_seconds,
        "task_annotations": {"*": lost_worker},
    }


def configuration() -> dict[str, Any]:
    """Collect all settings. Celery calls this function when it first needs a setting.

    A part that is still an exercise is left out. Then Celery's own defaults hold, and both the queue
    and the results are in database 0 of the Redis server.
    """
    server = worker_settings().redis_database(0)
    settings = {"broker_url": server, "result_backend": server, **redelivery()}
    settings["imports"] = modules_in("pipeline.tasks")
    for part in (connection, slots, delivery):
        with suppress(NotImplementedError):
            settings |= part()
    return settings


app = Celery("pipeline", task_cls="pipeline.wiring:PipelineTask")
app.add_defaults(configuration)
