"""Runs a submission's task tests in its sandbox, on tasks that the tests cannot read."""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Queue
from random import Random
from typing import Any

from autograder.sdk import Run, Student, clean
from autograder.week08_operations.tasks import Variant

RUN_SECONDS = 60.0
"""How long one run of all tests may take."""
GRACE_SECONDS = 20.0
"""More than that, for the start and the end of the processes."""
MOST_BYTES = 256 * 1024
DATABASES = ("8", "9")
"""Databases of Redis. As many runs go on side by side."""
OWN_ERRORS = frozenset(
    {"NameError", "AttributeError", "TypeError", "LookupError", "ImportError", "SyntaxError"}
    | {"NotImplementedError", "RecursionError", "FixtureLookupError", "ScopeMismatchError"}
)
"""Errors of a test itself. A task never raises them in a test, so they do not count as noticing it."""


@dataclass(frozen=True)
class TestOutcome:
    """What one test came to, by the word of the process that runs the submission's tests."""

    name: str
    outcome: str
    when: str
    message: str
    own_error: bool
    """It failed because of the test, not because of what it tested."""

    @property
    def notices(self) -> bool:
        """Whether it is a failure that counts."""
        return self.outcome == "failed" and self.when == "call" and not self.own_error


@dataclass(frozen=True)
class RunOutcome:
    """What the tests came to on one task."""

    variant: Variant
    tests: Sequence[TestOutcome]
    late: bool
    """It took longer than `RUN_SECONDS`, or its process died."""

    @property
    def notices(self) -> bool:
        """Whether a test has failed as it should on a broken task."""
        return any(test.notices for test in self.tests)


class TaskRuns:
    """The runs of one grading run: two of them side by side, each in a process that forks one for each run.

    Args:
        given: the source of the given task.
        file: the name of the submission's test file.
        rng: chooses how the tasks are written.
    """

    def __init__(self, student: Student, run: Run, given: str, file: str, rng: Random) -> None:
        self._student, self._run, self._given, self._file = student, run, given, file
        self._seed = rng.getrandbits(64)
        self._free: Queue[str] = Queue()
        for database in DATABASES:
            self._free.put(database)
        self._runners: dict[str, Any] = {}
        self._pool = ThreadPoolExecutor(len(DATABASES))

    def start(self, variant: Variant) -> Future[RunOutcome]:
        """Run the tests on a task, when it is its turn."""
        return self._pool.submit(self._tested, variant)

    def close(self) -> None:
        """Leave out the runs that have not begun, and wait for the others."""
        self._pool.shutdown(cancel_futures=True)

    def _tested(self, variant: Variant) -> RunOutcome:
        database = self._free.get()
        try:
            said = self._ask(database, variant)
        finally:
            self._free.put(database)
        tests = [one for line in said for one in _tests(line)]
        late = not said or any(line.get("late") for line in said)
        return RunOutcome(variant, tests, late)

    def _ask(self, database: str, variant: Variant) -> list[dict[str, Any]]:
        """The lines of JSON that a runner answers with; none if it died or was not done in time."""
        runner = self._runners.get(database)
        if runner is None or not runner.alive:
            command = ["-m", "task_tests.hidden_task"]
            runner = self._student.process(f"task-tests-{database}", command, pipes=True)
            self._runners[database] = runner
        settings = {
            "redis_url": self._run.redis_url,
            "database": database,
            "file": self._file,
            "folder": str(self._student.home / f"task-tests-{database}"),
            "seconds": RUN_SECONDS,
            "stop": True,  # of every task: else the tests would know which ones are broken
        }
        source = variant.source(self._given, Random(f"{self._seed} {variant.name}"))  # noqa: S311
        assert runner.stdin is not None and runner.stdout is not None
        with contextlib.suppress(OSError):
            runner.stdin.write(f"{json.dumps(settings)}\n{json.dumps(source)}\n".encode())
            runner.stdin.flush()
        lines = _lines(runner.stdout.fileno(), RUN_SECONDS + GRACE_SECONDS)
        if not lines:
            runner.kill()
        return lines


def _lines(stream: int, seconds: float) -> list[dict[str, Any]]:
    """Read lines of JSON until one has no tests: with it, the runner itself says that a run has ended."""
    deadline, data = time.monotonic() + seconds, b""
    while time.monotonic() < deadline and len(data) < MOST_BYTES:
        if not select.select([stream], [], [], 0.5)[0]:
            continue
        block = os.read(stream, 65536)
        if not block:
            return []
        data += block
        found = [_object(line) for line in data.split(b"\n")[:-1]]
        if found and "tests" not in found[-1]:
            return found
    return []


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {"tests": []}
    return value if isinstance(value, dict) else {"tests": []}


def _tests(line: dict[str, Any]) -> list[TestOutcome]:
    """The outcomes in a line; all that comes from there is hostile."""
    tests = line.get("tests", [])
    found = []
    for one in tests if isinstance(tests, list) else []:
        if not isinstance(one, dict):
            continue
        errors = one.get("errors")
        names = {str(name) for name in errors} if isinstance(errors, list) else set()
        expected = one.get("expected") is True  # else it is marked as xfail
        found.append(
            TestOutcome(
                name=clean(str(one.get("name")))[:80],
                outcome=str(one.get("outcome")) if expected else "skipped",
                when=str(one.get("when")),
                message=clean(str(one.get("message")))[:200],
                own_error=bool(names & OWN_ERRORS),
            )
        )
    return found
