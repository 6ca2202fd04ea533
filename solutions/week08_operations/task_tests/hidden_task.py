"""Runs the task tests on tasks that the tests cannot read: how the grader uses them.

Given to students complete. For each run, two lines come from standard input: the settings, and the source
of a task. The source is read by the process that forks the workers, and by nobody else. The outcomes go to
standard output as one line of JSON, `{"tests": [{"name": "test_total", "outcome": "passed", …}, …]}`, and a
line of this program itself follows: `{}`, or `{"late": true}` for a run that was ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_celery.plugin  # noqa: F401 - imported once, before the first fork

from task_tests import conftest, local_nodes

FOLDER = Path(__file__).parent
MOST_TESTS = 50
MESSAGE_CHARACTERS = 300


class Reporter:
    """Collects the outcome of each test, and stops after the first failure if the run asks for that."""

    def __init__(self, stop: bool) -> None:
        self.stop = stop
        self.tests: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when != "call" and report.passed:
            return report
        error = call.excinfo
        self.tests.append(
            {
                "name": item.name,
                "when": call.when,
                "outcome": "failed" if report.failed else report.outcome,
                "expected": not hasattr(report, "wasxfail"),
                "errors": [kind.__name__ for kind in error.type.__mro__] if error else [],
                "message": str(error.value)[:MESSAGE_CHARACTERS] if error else "",
            }
        )
        if self.stop and report.failed:
            item.session.shouldstop = "one failure is enough"
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            message = str(report.longrepr)[-MESSAGE_CHARACTERS:]
            failed = {"name": "collection", "when": "setup", "outcome": "failed", "expected": True}
            self.tests.append({**failed, "errors": [], "message": message})


def read_line() -> str:
    """Read one line of standard input, and not a byte more: the rest belongs to another process."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return ""
        line += byte
    return line.decode()


def run_tests(settings: dict[str, Any]) -> None:
    """Run the tests in this process, which was forked for them, and write their outcomes."""
    output = os.dup(1)
    os.dup2(2, 1)
    os.environ["REDIS_URL"] = settings["redis_url"]
    conftest.DATABASE = settings["database"]
    conftest.HIDDEN[:] = [local_nodes.NodeParent(lambda: json.loads(read_line()))]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    reporter = Reporter(settings["stop"])
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(FOLDER)]
    options += ["-p", "pytest_celery.plugin", "--basetemp", settings["folder"]]
    pytest.main([*options, str(FOLDER / settings["file"])], plugins=[reporter])
    line = json.dumps({"tests": reporter.tests[:MOST_TESTS]})
    os.write(output, line.encode() + b"\n")


def end(child: int) -> None:
    """End a test run and its node parent. The parent kills the workers when the run has gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + 0.3
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(child, 0)
            time.sleep(0.02)
        os.killpg(child, signal.SIGKILL)


def main() -> None:
    """Run the tests once for each pair of lines. A run that takes too long ends without outcomes."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    local_nodes.preload()
    while line := read_line():
        settings = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                os.setsid()
                run_tests(settings)
            finally:
                os._exit(0)
        deadline = time.monotonic() + settings["seconds"]
        while not (ended := os.waitpid(child, os.WNOHANG)[0]) and time.monotonic() < deadline:
            time.sleep(0.02)
        end(child)
        if not ended:
            os.waitpid(child, 0)
        os.write(1, b'{"late": true}\n' if not ended else b"{}\n")


if __name__ == "__main__":
    main()
