"""`bootcamp check` and `watch`, and pytest on a grader, as a student runs them: on real processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from autograder.process import fork_server, wait
from bootcamp import paths
from bootcamp.stack import Stack

DEADLINE = 120.0
ITEM = "1.1"
HELPERS = "Only the homework files are taken: move pipeline/tasks/helpers.py into them."
JSON_FIELDS = {"id", "title", "outcome", "score", "max_score", "message", "seconds"}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """No stack is up there, unless the test asks for `joined`."""
    return {**os.environ, "BOOTCAMP_STATE": str(tmp_path), "PYTHONUNBUFFERED": "1"}


def runs_of(state: Path) -> list[Path]:
    return list((state / "stack/runs").glob("*"))


def bootcamp(*words: str) -> list[str]:
    return [sys.executable, "-m", "bootcamp", *words]


@contextmanager
def started(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env=env,
        cwd=paths.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def until(probe: Callable[[], object]) -> None:
    assert wait.until(probe, DEADLINE), "waited in vain"


def test_json_and_nothing_else_on_a_stack_that_is_up(env: dict[str, str], joined: Path) -> None:
    """Two checks at the same time, on one stack: they do not meet."""
    command = bootcamp("check", "1.2", "--from", "solutions", "--json")
    with started(command, env) as one, started(command, env) as other:
        until(lambda: len(runs_of(joined)) == 2)
        answers = [process.communicate(timeout=DEADLINE) for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], answers
    for out, _ in answers:
        data = json.loads(out)
        assert set(data) == {"week", "score", "max_score", "items"}
        [item] = data["items"]
        assert set(item) == JSON_FIELDS
        assert (data["week"], item["id"], item["outcome"], item["score"]) == (1, "1.2", "passed", 1)
    assert not runs_of(joined), "a run was left behind"
    assert Stack.attach(joined / "stack"), "the stack is still up"


def test_exit_codes(env: dict[str, str], joined: Path, tmp_path: Path) -> None:
    shutil.copytree(paths.EXERCISES / "week01_first_task", tmp_path / "week01_first_task")
    for words, code in {
        ("check", ITEM, "--from", str(tmp_path), "--json"): 1,
        ("check", "99"): 2,
        ("check", "1.99"): 2,
        ("check", "1", "--from", str(tmp_path / "nowhere")): 2,
        ("check", "--no-such-option"): 2,
    }.items():
        done = subprocess.run(
            bootcamp(*words),
            check=False,
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert bool(done.stdout) == ("--json" in words), done.stdout


def test_a_helper_file_is_named(env: dict[str, str], joined: Path, tmp_path: Path) -> None:
    """F8: the sentence comes before anything fails for want of that file."""
    source = tmp_path / "week01_first_task"
    shutil.copytree(paths.SOLUTIONS / "week01_first_task", source)
    (source / "pipeline/tasks/helpers.py").write_text("WORD = 'task'\n")
    first = source / "pipeline/tasks/first.py"
    first.write_text(first.read_text() + "\nfrom pipeline.tasks.helpers import WORD\n")
    done = subprocess.run(
        bootcamp("check", "1.2", "--from", str(source)),
        check=False,
        env={**env, "COLUMNS": "200"},
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 1
    assert done.stdout.index(HELPERS) < done.stdout.index("1.2")


def test_control_c_leaves_nothing_behind(env: dict[str, str]) -> None:
    """In the middle of a check that has its own stack, student processes and all."""
    with started(bootcamp("check", "1", "--from", "solutions"), env) as check:
        me = psutil.Process(check.pid)
        until(lambda: len([one for one in me.children(recursive=True) if is_forked(one)]) > 2)
        family = me.children(recursive=True)
        check.send_signal(signal.SIGINT)
        out, err = check.communicate(timeout=DEADLINE)
    assert check.returncode in (1, 130), (out, err)
    assert "Traceback" not in out + err
    until(lambda: not [one for one in family if one.is_running() and "zombie" not in one.status()])


def is_forked(process: psutil.Process) -> bool:
    """The student's caller, worker and the worker's pool; their parent too."""
    try:
        return fork_server.__file__ in process.cmdline()
    except psutil.Error:
        return False


def test_watch_checks_again_at_a_save(env: dict[str, str], joined: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine"
    shutil.copytree(paths.SOLUTIONS / "week01_first_task", source)
    config = source / "pipeline/tasks/celery_config.py"
    (source / "pipeline/tasks/helpers.py").write_text("def help():\n    return 1\n")
    command = bootcamp("watch", ITEM, "--from", str(source), "--poll")
    env = {**env, "COLUMNS": "200"}
    out = tmp_path / "out"
    with out.open("w") as file:
        watch = subprocess.Popen(
            command, env=env, cwd=paths.ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        until(lambda: scores(out) == ["2 of 2"])
        config.write_text(config.read_text().replace('"timezone": "UTC"', '"timezone": "Japan"'))
        until(lambda: scores(out) == ["2 of 2", "0 of 2"])
        watch.send_signal(signal.SIGINT)
        watch.wait(DEADLINE)
    finally:
        watch.kill()
        watch.wait()
    assert "Traceback" not in out.read_text()
    assert "a time in UTC" in out.read_text()
    assert out.read_text().count(HELPERS) == 2  # at each check


def scores(out: Path) -> list[str]:
    return re.findall(r"(\d+ of \d+) points", out.read_text())


def test_pytest_does_the_same(env: dict[str, str], joined: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine"
    shutil.copytree(paths.SOLUTIONS / "week01_first_task", source)
    config = source / "pipeline/tasks/celery_config.py"
    config.write_text(config.read_text().replace('"timezone": "UTC"', '"timezone": "Japan"'))
    command = [sys.executable, "-m", "pytest", "autograder/week01_first_task", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, "--from", str(source)],
        check=False,
        env=env,
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 of 10 points" in done.stdout
    assert "a time in UTC" in done.stdout
    assert "hint: bootcamp hint 1.1" in done.stdout
    assert not runs_of(joined)


def test_pytest_wants_one_week(env: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "autograder"]
    done = subprocess.run(
        command, check=False, env=env, cwd=paths.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 4
    assert "Name one week" in done.stderr
