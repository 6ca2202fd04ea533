"""The reference of week 1 with a worker in a thread of this process: celery.contrib.testing.

Good for what a task does; useless for kills, which need processes (see the nodes).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import _state
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging

from bootcamp import paths
from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run

DEADLINE = 60


@pytest.fixture
def pipeline(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The package, imported afresh in this run's environment, and gone after, also for Celery: it
    would hand the tasks to every app that is made later in this process."""
    for name, value in {**run.environment(), "RESULT_EXPIRES_SECONDS": "120"}.items():
        monkeypatch.setenv(name, value)
    # Another test of this process may have put later weeks on the path.
    others = [entry for entry in sys.path if not Path(entry).is_relative_to(paths.SOLUTIONS)]
    layers = [str(layer.path) for layer in reference_layers(find_week("1"))]
    monkeypatch.setattr(sys, "path", [*layers, *others])
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if is_pipeline(name)}
    shared = set(_state._on_app_finalizers)
    pipeline = importlib.import_module("pipeline.producer") and sys.modules["pipeline"]
    yield pipeline
    pipeline.tasks.celery_config.app.close()
    _state._on_app_finalizers.intersection_update(shared)
    for name in [name for name in sys.modules if is_pipeline(name)]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Celery leaves the logging of this process alone: it would hide the log of tasks from later tests."""

    def given(**_: object) -> None: ...

    setup_logging.connect(given)
    yield
    setup_logging.disconnect(given)


def is_pipeline(name: str) -> bool:
    return name == "pipeline" or name.startswith("pipeline.")


def test_the_producers_ids_lead_to_the_summaries(pipeline: Any, run: Run) -> None:
    app = pipeline.tasks.celery_config.app
    titles = ["The keeper", "The pilot", "The keeper"]
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False):
        ids = pipeline.producer.enqueue_articles(titles)
        results = [app.AsyncResult(task_id).get(timeout=DEADLINE) for task_id in ids]
    assert len(set(ids)) == len(titles)
    assert [result["title"] for result in results] == titles
    assert all(result["summary"] for result in results)
    assert len(run.openai.journal("chat")) == len(titles)


def test_a_delayed_task_is_on_its_way_and_not_done(pipeline: Any) -> None:
    app = pipeline.tasks.celery_config.app
    with start_worker(app, pool="threads", concurrency=1, perform_ping_check=False):
        late = pipeline.producer.enqueue_later("The tide", 300.0)
        [soon] = pipeline.producer.enqueue_articles(["The signal"])
        assert app.AsyncResult(soon).get(timeout=DEADLINE)["title"] == "The signal"
        assert app.AsyncResult(late).state == "PENDING"
