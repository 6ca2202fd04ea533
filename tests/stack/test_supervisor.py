"""A process that ends by itself is started again, at a bounded rate; one that was stopped is not."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run, supervisor
from bootcamp.stack.apps import Apps
from bootcamp.stack.process import Process
from bootcamp.stack.supervisor import Supervisor

ENV = {"PATH": os.environ["PATH"]}
FOREVER = "import time; print('up', flush=True); time.sleep(600)"


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def process(folder: Path, code: str) -> Process:
    return Process(
        [sys.executable, "-c", code], env=ENV, log=folder / "worker1.log", name="worker1"
    )


def test_a_process_that_ends_by_itself_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    with process(tmp_path, FOREVER) as worker, Supervisor([worker], said.append):
        first = worker.pid
        os.kill(first, signal.SIGTERM)
        eventually(lambda: worker.alive and worker.pid != first)
        eventually(lambda: worker.logs().count("up") == 2)
    assert len(said) == 1
    assert "worker1 ended with -15 and is started again (1 of 5)" in said[0]
    assert "supervisor: worker1 ended with -15" in worker.logs()


@pytest.mark.parametrize("end", [Process.stop, Process.kill])
def test_a_process_that_somebody_ended_stays_down(
    tmp_path: Path, end: Callable[[Process], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY_SECONDS", 0.0)
    said: list[str] = []
    with process(tmp_path, FOREVER) as worker, Supervisor([worker], said.append):
        end(worker)
        eventually(lambda: not worker.alive)
        time.sleep(5 * supervisor.POLL_SECONDS)
        assert not worker.alive
        worker.start()  # from now on it is watched again
        os.kill(worker.pid, signal.SIGKILL)
        eventually(lambda: said and worker.alive)


def test_a_process_that_ends_at_every_start_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.01)
    said: list[str] = []
    worker = process(tmp_path, "raise SystemExit(3)").start()
    with Supervisor([worker], said.append) as watching:
        eventually(lambda: watching.given_up == [worker])
        time.sleep(0.2)
    worker.stop()
    assert len(said) == supervisor.RESTARTS + 1
    assert "6 times within 60 s: given up" in said[-1]
    assert str(worker.log) in said[-1]


def test_the_pipelines_worker_comes_back(run: Run) -> None:
    """As after a Redis outage that ended it: the node itself is gone, not only a pool process."""
    with Apps(run.environment(), reference_layers(find_week("1"))) as apps:
        [worker] = apps.workers
        first = worker.pid
        os.kill(first, signal.SIGKILL)
        eventually(lambda: worker.alive and worker.pid != first)
        eventually(lambda: " ready." in worker.logs(latest=True), 60.0)
        assert not apps.given_up
