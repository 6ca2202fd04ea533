"""A small course of one week, with a manifest and hints, in a folder of its own."""

from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring.generate import generate
from bootcamp.course.hints import hints_page
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

[[items]]
id = "5.2"
title = "Double"
points = 3
files = ["pipeline/homework.py"]
lesson = "01_counting.md"
"""

HINTS = {
    "5.1": """# Hints for 5.1

## pipeline/homework.py: first

### Question

What comes after one?

### Lesson

Read [counting](../../../lessons/week05_tiny/01_counting.md#the-idea).

### Similar case

`letter` and the next one.

### Answer

number + 1
""",
    "5.2": """# Hints for 5.2

## pipeline/homework.py: second

### Question

What is twice?

### Lesson

Read about doubling.

### Similar case

Three times a number.

### Answer

`number * 2`
""",
}


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
    week = Week(5, "week05_tiny")
    (week.grader / "hints").mkdir()
    (week.grader / "manifest.toml").write_text(MANIFEST)
    for item_id, text in HINTS.items():
        hints_page(week, item_id).write_text(text)
    all_weeks.cache_clear()
    load_manifest.cache_clear()
    generate(week)
    yield week
    all_weeks.cache_clear()
    load_manifest.cache_clear()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own, for commands on the real course."""
    monkeypatch.setenv("BOOTCAMP_STATE", str(tmp_path / "state"))
    return tmp_path / "state"
