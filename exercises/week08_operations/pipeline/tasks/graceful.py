"""How a worker stops when it is replaced: it finishes its tasks, and gives back what it has not begun.

The stack and compose set `REMAP_SIGTERM=SIGQUIT` for workers, so the signal that every supervisor sends
(SIGTERM) begins Celery's soft shutdown. Celery reads this variable when it is imported, so it cannot be
set here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pipeline.metrics.settings import metrics_settings
from pipeline.tasks.celery_config import app


def graceful_stop(seconds: float) -> dict[str, Any]:
    """Build the settings for how a worker stops.

    Args:
        seconds: how long a worker that stops lets its tasks run on.

    Returns:
        Celery settings, by name. The lesson "Observability", section "Replace a worker", names the one that
        you need.
    """
    # TODO 8.6:
    #   n) Let tasks that run go on for `seconds`, so that a short one ends normally, and runs once.
    #   o) After that the worker must end. It cancels what still runs, and gives the message back to
    #      its queue, so that another worker runs it.
    raise NotImplementedError("8.6")


with suppress(NotImplementedError):  # until the exercise is done, Celery's defaults hold
    app.conf.update(graceful_stop(metrics_settings().graceful_stop_seconds))
