"""A course of one tiny week, and how to check what a student might hand in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autograder.process.fork_client import Host
from autograder.run.results import ItemResult, WeekResult
from autograder.run.runner import run_week
from bootcamp import paths
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week, all_weeks
from bootcamp.stack import Stack

WEEK = Week(7, "week07_tiny")
SOLUTION = '''"""Homework."""


def double(number: int) -> int:
    """Twice the number."""
    return number * 2
'''
GIVEN = '"""Given."""\n\nFACTOR = 2\n'
MANIFEST = """
[[items]]
id = "7.1"
title = "Double [/] it [bold]"
points = 2
files = ["pipeline/homework.py"]
lesson = "01_doubling.md"

[[items]]
id = "7.2"
title = "Double it again"
points = 1
files = ["pipeline/homework.py"]
lesson = "01_doubling.md"
needs = ["7.1"]
"""
GRADER = """
import pytest

from autograder.card import fail


@pytest.mark.item("7.1")
def test_double(student, rng):
    number = rng.randint(10, 10**6)
    value = student.call("pipeline.homework", "double", number, timeout=3.0)
    if type(value) is not int or value != 2 * number:
        fail(sent=f"double({number})", expected=str(2 * number), got=value)


@pytest.mark.item("7.2")
def test_given_file(student):
    if student.read("pipeline.given", "FACTOR") != 2:
        fail(sent="given.FACTOR", expected="2", got="something else")
"""


@dataclass
class Course:
    """`week07_tiny` with one grader, and a submission to fill."""

    root: Path
    stack: Stack
    submission: Path = field(init=False)
    host: Host | None = None
    """A parent of processes that several tests share; by default each check has one alone."""

    def __post_init__(self) -> None:
        self.submission = self.root / "handed_in"
        self.write(WEEK.solutions, "pipeline/homework.py", SOLUTION)
        self.write(WEEK.solutions, "pipeline/given.py", GIVEN)
        self.write(WEEK.grader, "manifest.toml", MANIFEST)
        self.grader(GRADER)
        self.hand_in(SOLUTION)

    @staticmethod
    def write(folder: Path, name: str, content: str | bytes) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def grader(self, text: str, name: str = "test_7_1_double.py") -> None:
        self.write(WEEK.grader, name, text)

    def hand_in(self, content: str | bytes, name: str = "pipeline/homework.py") -> Path:
        return self.write(self.submission, name, content)

    def check(self, *, referee: bool = False) -> WeekResult:
        return run_week(WEEK, self.submission, stack=self.stack, host=self.host, referee=referee)

    def first(self) -> ItemResult:
        """Item 7.1 after a check in which the grader did not break."""
        result = self.check()
        assert not result.grader_errors, [one.card for one in result.items]
        return result.items[0]


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Stack) -> Iterator[Course]:
    for name in ("solutions", "exercises", "autograder"):
        (tmp_path / name / WEEK.name).mkdir(parents=True)
        monkeypatch.setattr(paths, name.upper(), tmp_path / name)
    monkeypatch.setenv("BOOTCAMP_STATE", str(tmp_path / "state"))
    all_weeks.cache_clear()
    load_manifest.cache_clear()
    yield Course(tmp_path, stack)
    all_weeks.cache_clear()
    load_manifest.cache_clear()
