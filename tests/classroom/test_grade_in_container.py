"""`bootcamp grade --docker` where a Docker engine answers: a class in a real container."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from autograder.classroom.execution import container
from bootcamp import paths
from bootcamp.course.weeks import Week, find_week
from tests.cheats.catalogue import CHEATS
from tests.cheats.making import Cheat

DEADLINE = 280.0
HOSTILE = "kills-everything"


@pytest.fixture
def engine() -> None:
    """A Docker engine. Its absence is no failure, in CI neither: CI has none."""
    found = shutil.which("docker")
    answers = (
        found
        and subprocess.run([found, "ps"], capture_output=True, timeout=60, check=False).returncode
        == 0
    )
    if not answers:
        pytest.skip("no Docker engine answers here (CI has none): `docker ps` must work")


def cheat() -> Cheat:
    (found,) = (one for one in CHEATS if one.name == HOSTILE)
    return found


def start(submissions: Path, out: Path, *options: str, week: str = "1") -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bootcamp", "grade", str(submissions), "--week", week]
    return subprocess.Popen(
        [*words, "--out", str(out), "--docker", *options],
        cwd=paths.ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def graded(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """The students in the JSON of a run that must succeed."""
    try:
        output, errors = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, output + errors
    found: list[dict[str, Any]] = json.loads(output)["students"]
    return found


def left_running() -> str:
    words = ["docker", "ps", "--quiet", "--filter", f"name={container.REPOSITORY}-"]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.usefixtures("engine")
def test_a_class_in_a_container(week: Week, tmp_path: Path) -> None:
    submissions, out = tmp_path / "submissions", tmp_path / "grades"
    shutil.copytree(week.solutions, submissions / "anna")
    shutil.copytree(week.exercises, submissions / "ben")
    cheat().write(submissions / "mallory")
    students = graded(start(submissions, out, "--json", "-j", "2"))
    grades = {one["id"]: one for one in students}
    assert (grades["anna"]["score"], grades["ben"]["score"]) == (10, 0)
    for lost in cheat().loses:
        assert grades["mallory"]["items"][lost] in ("failed", "skipped")
    for one in grades.values():
        assert one["status"] == "graded"
        assert one["sandbox"].startswith("landlock, own user, seccomp")
        assert one["sandbox"].endswith("in a container")
    assert all(path.stat().st_uid == os.geteuid() for path in out.rglob("*"))
    assert not left_running()


@pytest.mark.usefixtures("engine")
def test_a_page_is_graded_in_the_browser_of_the_container(tmp_path: Path) -> None:
    shutil.copytree(find_week("7").solutions, tmp_path / "submissions" / "anna")
    process = start(tmp_path / "submissions", tmp_path / "grades", "--json", week="7")
    (anna,) = graded(process)
    assert anna["score"] == 10, anna


@pytest.mark.usefixtures("engine")
def test_ctrl_c_ends_the_container(week: Week, tmp_path: Path) -> None:
    shutil.copytree(week.exercises, tmp_path / "submissions" / "ben")
    process = start(tmp_path / "submissions", tmp_path / "grades")
    try:
        deadline = time.monotonic() + DEADLINE
        while not left_running():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, output + errors
    assert "run the same command to continue" in output
    assert not left_running()
