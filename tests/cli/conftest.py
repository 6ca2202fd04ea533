"""A small course of one week, with a manifest, in a folder of its own."""

from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring.generate import generate
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week, all_weeks

SOLUTION = '''"""Homework."""


def first(number: int) -> int:
    """One more."""
    # BEGIN SOLUTION 5.1
    #? Count on.
    return number + 1
    # END SOLUTION


def second(number: int) -> int:
    """Twice."""
    # BEGIN SOLUTION 5.2
    #? Double it.
    return number * 2
    # END SOLUTION
'''

MANIFEST = """
[[items]]
id = "5.1"
title = "Count on [really]"
points = 2
files = ["pipeline/homework.py"]
lesson = "01_counting.md"
hints = ["What comes after one?", "`number` and one.", "number + 1"]

[[items]]
id = "5.2"
title = "Double"
points = 3
files = ["pipeline/homework.py"]
lesson = "01_counting.md"
hints = ["What is twice?", "number * 2"]
"""


@pytest.fixture
def tiny_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`week05_tiny`: items 5.1 and 5.2 in `pipeline/homework.py`, and a given file."""
    for name in ("solutions", "exercises", "autograder"):
        (tmp_path / name / "week05_tiny").mkdir(parents=True)
        monkeypatch.setattr(paths, name.upper(), tmp_path / name)
    monkeypatch.setenv("BOOTCAMP_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "solutions" / "week05_tiny" / "pipeline"
    package.mkdir()
    (package / "homework.py").write_text(SOLUTION)
    (package / "given.py").write_text("LIMIT = 3\n")
    (tmp_path / "autograder" / "week05_tiny" / "manifest.toml").write_text(MANIFEST)
    all_weeks.cache_clear()
    load_manifest.cache_clear()
    week = Week(5, "week05_tiny")
    generate(week)
    yield week
    all_weeks.cache_clear()
    load_manifest.cache_clear()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own, for commands on the real course."""
    monkeypatch.setenv("BOOTCAMP_STATE", str(tmp_path / "state"))
    return tmp_path / "state"
