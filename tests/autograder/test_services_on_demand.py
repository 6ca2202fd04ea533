"""A grading run starts what the selected tests ask for, and nothing else."""

from __future__ import annotations

import pytest

from autograder.process.student import Student
from autograder.run.runner import run_week
from bootcamp.course.weeks import find_week
from bootcamp.stack import Stack


@pytest.mark.parametrize(
    ("item", "expected"),
    [("2.1", {"api", "worker"}), ("5.1", set()), ("6.1", set())],
)
def test_services_start_only_for_tests_that_ask(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, item: str, expected: set[str]
) -> None:
    started: set[str] = set()
    api, worker, migration = Student.launch_api, Student.launch_worker, Student.launch_migration

    def note(name: str, original: object) -> object:
        def launch(self: Student, *args: object, **kwargs: object) -> object:
            started.add(name)
            return original(self, *args, **kwargs)  # type: ignore[operator]

        return launch

    monkeypatch.setattr(Student, "launch_api", note("api", api))
    monkeypatch.setattr(Student, "launch_worker", note("worker", worker))
    if not expected:
        monkeypatch.setattr(Student, "launch_migration", note("migration", migration))
    week = find_week(item[0])
    result = run_week(week, week.solutions, items=[item], stack=stack)
    assert result.passed
    assert started == expected
