"""`Process` and its guard: a command, its answers, and nothing left of it afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bootcamp import paths
from bootcamp.errors import StackError
from bootcamp.stack.process import Process

PATIENCE = 15.0
ENV = {"PATH": os.environ["PATH"]}


def python(code: str, tmp_path: Path, **options: object) -> Process:
    command = [sys.executable, "-c", code]
    options = {"env": ENV, "log": tmp_path / "log"} | options
    return Process(command, **options)  # type: ignore[arg-type]


def eventually(what: Callable[[], bool], message: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, message
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def numbers(process: Process, count: int) -> list[int]:
    eventually(lambda: len(process.logs().split()) >= count, process.logs())
    return [int(word) for word in process.logs().split()[:count]]


def test_the_environment_is_complete_and_the_log_has_both_outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_OURS", "1")
    code = "import os,sys; print(sorted(os.environ)); print('grumble', file=sys.stderr)"
    with python(code, tmp_path, env={"ONLY": "1"}) as process:
        assert process.wait(PATIENCE) == 0
    assert "'ONLY'" in process.logs() and "grumble" in process.logs()
    assert "SECRET_OF_OURS" not in process.logs()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15),
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", -6),
    ],
)
def test_it_ends_as_the_command_did(tmp_path, code, expected):
    with python(code, tmp_path) as process:
        assert process.wait(PATIENCE) == expected
    assert process.returncode == expected and not process.alive


def test_the_pid_is_the_commands_own(tmp_path):
    with python("import os; print(os.getpid(), os.getpgid(0), os.getsid(0))", tmp_path) as process:
        process.wait(PATIENCE)
        assert process.logs().split() == [str(process.pid)] * 3


def test_a_missing_command_is_told(tmp_path):
    process = Process(["/nowhere/server"], env=ENV, log=tmp_path / "log", name="the server")
    with process, pytest.raises(StackError, match=r"the server ended with 127(.|\n)*cannot run"):
        process.wait_ready(lambda: False)


def test_json_lines_over_the_pipes_and_end_of_file(tmp_path):
    code = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with python(code, tmp_path, **pipes) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps({"a": "b"}).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b'{"A": "B"}\n'
        process.stdin.close()
        assert process.stdout.read() == b"", "the guard must not hold the pipe open"
        assert process.wait(PATIENCE) == 0


def test_the_end_of_standard_output_shows_while_the_command_runs(tmp_path):
    code = "import os, time; os.close(1); time.sleep(60)"
    with python(code, tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.read() == b""
        assert process.alive


def test_readiness_stops_at_once_when_the_process_has_died(tmp_path):
    started = time.monotonic()
    with (
        python("raise SystemExit('no such database')", tmp_path, name="worker") as process,
        pytest.raises(StackError, match=r"worker ended with 1(.|\n)*no such database"),
    ):
        process.wait_ready(lambda: False, timeout=120)
    assert time.monotonic() - started < 60


def test_readiness_has_a_deadline(tmp_path):
    with (
        python("import time; time.sleep(60)", tmp_path, name="worker") as process,
        pytest.raises(StackError, match="worker was not ready in 0 s"),
    ):
        process.wait_ready(lambda: False, timeout=0.1)


def test_a_flood_in_the_log_is_capped(tmp_path):
    with python("print('x' * 3_000_000 + 'end')", tmp_path) as process:
        process.wait(PATIENCE)
    assert len(process.logs()) <= 64 * 1024 and process.logs().endswith("end\n")


def test_a_second_start_has_a_log_of_its_own_within_the_whole(tmp_path):
    process = python("import time; print('hello', flush=True); time.sleep(60)", tmp_path)
    for _ in range(2):
        with process:
            eventually(lambda: "hello" in process.logs(latest=True), "no hello")
    assert process.logs().count("hello") == 2
    assert process.logs(latest=True).count("hello") == 1


def test_stop_ends_a_process_that_ignores_the_request(tmp_path):
    code = (
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(1, flush=True); time.sleep(60)"
    )
    with python(code, tmp_path) as process:
        numbers(process, 1)
        assert process.stop(grace=0.2) == -signal.SIGKILL
    assert gone(process.pid) and process.stop() == -signal.SIGKILL


def test_stop_ends_a_frozen_process(tmp_path):
    with python("import time; print(1, flush=True); time.sleep(60)", tmp_path) as process:
        numbers(process, 1)
        process.kill(signal.SIGSTOP, group=True)
        pid = process.pid
        eventually(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "not stopped")
        process.stop(grace=5)
    assert gone(process.pid)


FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
if os.fork() == 0:                      # a daemon: another session, and its parent leaves
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="daemons are followed on Linux alone")


@linux
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_survives_the_command_not_even_a_daemon(tmp_path, signum):
    with python(FAMILY, tmp_path) as process:
        pids = numbers(process, 3)
        process.kill(signum)
        process.wait(PATIENCE)
        assert all(map(gone, pids))


@linux
def test_nothing_survives_a_guard_that_was_killed(tmp_path):
    with python("import time; print(1, flush=True); time.sleep(600)", tmp_path) as process:
        numbers(process, 1)
        os.kill(process.guard_pid, signal.SIGKILL)
        eventually(lambda: gone(process.pid), "the command outlived its guard")


def test_a_killed_group_dies_at_once(tmp_path):
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(os.getpid(), child.pid, flush=True); time.sleep(600)"
    )
    with python(code, tmp_path) as process:
        pids = numbers(process, 2)
        process.kill(group=True)
        assert process.wait(PATIENCE) == -signal.SIGKILL
        assert all(map(gone, pids))


LAUNCHER = r"""
import os, sys, time
from pathlib import Path
from bootcamp.stack.process import Process
log = Path(sys.argv[1])
process = Process([sys.executable, "-c", sys.argv[2]], env=dict(os.environ), log=log).start()
if os.fork() == 0:                      # holds the socket to the guard open, and lives on
    print(f"fork {os.getpid()}\n", end="", flush=True)
    time.sleep(600)
print(f"guard {process.guard_pid}\n", end="", flush=True)
time.sleep(600)
"""


@linux
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_survives_the_launcher(tmp_path, signum):
    log = tmp_path / "log"
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(log), FAMILY],
        env=os.environ | {"PYTHONPATH": str(paths.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    told: dict[str, str] = {}
    try:
        assert launcher.stdout
        told.update(tuple(launcher.stdout.readline().split()) for _ in range(2))  # type: ignore[misc]
        eventually(lambda: len(log.read_text().split()) >= 3, "the family did not start")
        pids = [int(word) for word in log.read_text().split()]
        launcher.send_signal(signum)
        launcher.wait(PATIENCE)
        family = [int(told["guard"]), *pids]
        eventually(lambda: all(map(gone, family)), "something outlived the launcher")
    finally:
        launcher.kill()
        launcher.wait()
        if "fork" in told:
            os.kill(int(told["fork"]), signal.SIGKILL)
