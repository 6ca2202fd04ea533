"""`bootcamp scale-workers`: a running stack gets more workers, and fewer, while the others go on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bootcamp.stack import Run
from bootcamp.stack.apps import Apps
from tests.stack.test_apps_and_commands import bootcamp
from tests.week08.conftest import LAYERS


def consumed(log: str) -> set[str]:
    """The queues that a worker's banner lists."""
    return set(re.findall(r"\.> (\w+) +exchange=", log))


def test_workers_come_and_go(run: Run, tmp_path: Path) -> None:
    with Apps(run.environment(), LAYERS, state=tmp_path) as apps:
        first = apps.workers[0].pid
        apps.scale(4)
        kinds = [consumed(worker.logs()) for worker in apps.workers]
        apps.workers[3].kill()  # that is somebody's wish, so it is not started again
        apps.scale(1)
        assert [worker.pid for worker in apps.workers] == [first] and apps.workers[0].alive
    assert kinds[0] == {"urgent", "cpu", "io", "webhooks", "celery"}
    assert kinds[1:] == [{"urgent", "cpu", "io"}, {"webhooks", "celery"}, {"urgent"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.mark.long
def test_from_another_process(folder: Path) -> None:
    nothing = bootcamp(folder, "scale-workers", "2")
    assert nothing.returncode and "Nothing is up" in nothing.stderr + nothing.stdout
    up = bootcamp(folder, "up", "8", "--layers", "reference", "--detach")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        said = bootcamp(folder, "scale-workers", "3")
        assert said.returncode == 0, said.stdout + said.stderr
        logs = {path.stem: path.read_text() for path in folder.rglob("worker*.log")}
        assert set(logs) == {"worker1", "worker2", "worker3"}
        assert all(" ready." in log for log in logs.values())
        assert bootcamp(folder, "scale-workers", "1").returncode == 0
        assert "shutdown (MainProcess)" in next(folder.rglob("worker3.log")).read_text()
    finally:
        bootcamp(folder, "down")
