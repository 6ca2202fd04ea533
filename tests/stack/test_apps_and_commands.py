"""The pipeline's processes, and `bootcamp up`, `run` and `down`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.errors import StackError
from bootcamp.stack import Stack
from bootcamp.stack.apps import Apps
from bootcamp.stack.state import is_held

PATIENCE = 120.0


def bootcamp(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bootcamp", *words],
        env=os.environ | {"BOOTCAMP_STATE": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_api_and_the_workers_of_a_week(run):
    with Apps(run.environment(), reference_layers(find_week("2")), workers=2) as apps:
        assert httpx.get(f"{apps.api_url}/health", trust_env=False).status_code == 200
        assert len(apps.workers) == 2
        pids = [process.pid for process in apps.processes]
        for pid in pids:
            for connection in psutil.Process(pid).net_connections("inet"):
                assert connection.laddr.ip == "127.0.0.1"
        logs = apps.workers[0].log
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert not logs.exists(), "the temporary folder is gone"


def test_week_1_has_no_api(run):
    with Apps(run.environment(), reference_layers(find_week("1"))) as apps:
        assert apps.api_url is None and len(apps.processes) == 1


def test_code_that_does_not_start_is_shown(run, tmp_path):
    broken = tmp_path / "pipeline" / "tasks"
    broken.mkdir(parents=True)
    (broken / "celery_config.py").write_text("raise RuntimeError('half done')\n")
    week = find_week("1")
    layers = (Layer(week, Source.STUDENT, tmp_path), *reference_layers(week))
    with pytest.raises(StackError, match=r"worker1 ended with(.|\n)*half done"):
        Apps(run.environment(), layers).__enter__()


def test_an_unwritten_item_is_named(run, tmp_path):
    unwritten = tmp_path / "pipeline" / "tasks"
    unwritten.mkdir(parents=True)
    (unwritten / "celery_config.py").write_text("raise NotImplementedError('1.1')\n")
    week = find_week("1")
    layers = (Layer(week, Source.STUDENT, tmp_path), *reference_layers(week))
    with pytest.raises(StackError) as caught, Apps(run.environment(), layers):
        pass
    assert "item 1.1 is not written yet" in caught.value.message
    assert "bootcamp check 1.1" in caught.value.next_step
    assert "Traceback" not in str(caught.value)


def test_a_worker_starts_on_the_untouched_exercises_of_week_1(run):
    week = find_week("1")
    with Apps(run.environment(), (Layer(week, Source.STUDENT, week.exercises),)):
        pass


def test_up_run_and_down(tmp_path):
    folder = tmp_path / "stack"
    up = bootcamp(tmp_path, "up", "1", "--layers", "reference", "--detach")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert "the reference" in up.stdout and "redis://" in up.stdout
        code = "import os, pipeline.producer as p; print(p.__file__, os.environ['REDIS_URL'])"
        words = ("run", "1", "--layers", "reference", "--", "python", "-c", code)
        answer = bootcamp(tmp_path, *words)
        assert answer.returncode == 0, answer.stderr
        assert str(find_week("1").solutions) in answer.stdout
        assert Stack.attach(folder).endpoints.redis_url in answer.stdout
        second = bootcamp(tmp_path, "up", "1")
        pid = Stack.attach(folder).endpoints.pid
        assert second.returncode == 1 and f"in use by process {pid}" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        down = bootcamp(tmp_path, "down")
    assert down.returncode == 0 and f"process {pid}" in down.stdout
    assert not is_held(folder)
    again = bootcamp(tmp_path, "down")
    assert again.returncode == 0 and "Nothing is up" in again.stdout
    assert bootcamp(tmp_path, *words).returncode == 1, "no stack to run against"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_up_in_order(tmp_path, signum):
    process = subprocess.Popen(
        [sys.executable, "-m", "bootcamp", "up", "1", "--layers", "reference"],
        env=os.environ | {"BOOTCAMP_STATE": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if "Ctrl-C" in line:
            break
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) > 5
    process.send_signal(signum)
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, text
    assert "Stopped." in text and "Traceback" not in text
    deadline = time.monotonic() + PATIENCE
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not (tmp_path / "stack" / "stack.json").exists()
