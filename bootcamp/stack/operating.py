"""What the processes of a pipeline need to be operated: a shared folder of metrics, and a graceful stop."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bootcamp.course.layers import Layer

METRICS_MODULE = Path("pipeline/metrics/measures.py")
GRACEFUL_MODULE = Path("pipeline/tasks/graceful.py")
"""Sets how a worker stops. Both modules are there from week 8 on."""
STOP_SECONDS = "2"
"""Longer than most steps here. Celery waits for all of it, even if the tasks end sooner."""
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def _brings(layers: Sequence[Layer], module: Path) -> bool:
    return any((layer.path / module).is_file() for layer in layers)


def metrics_variables(layers: Sequence[Layer], folder: Path) -> dict[str, str]:
    """Let all processes count in one empty folder, so the API exports the numbers of the workers too.

    Args:
        layers: whose code runs.
        folder: the folder of the processes. What ended processes have counted there is removed.
    """
    if not _brings(layers, METRICS_MODULE):
        return {}
    metrics = folder / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    return {METRICS_VARIABLE: str(metrics)}


def worker_variables(layers: Sequence[Layer]) -> dict[str, str]:
    """Settings of workers alone: SIGTERM begins Celery's soft shutdown, which takes this long."""
    if not _brings(layers, GRACEFUL_MODULE):
        return {}
    return {"REMAP_SIGTERM": "SIGQUIT", "GRACEFUL_STOP_SECONDS": STOP_SECONDS}
