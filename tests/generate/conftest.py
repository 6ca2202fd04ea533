"""A small course of one week in a folder of its own."""

from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.course.weeks import Week, all_weeks

SOLUTION = '''"""A file with homework in it."""

import random


def wait(base: float, attempt: int) -> float:
    """Seconds to wait."""
    # BEGIN SOLUTION 5.1
    #? Pick the wait at random.
    return random.uniform(0, base * 2**attempt)
    # END SOLUTION
'''
GIVEN = b'"""Given."""\n\nLIMIT = 3\n'


@pytest.fixture
def week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`week05_tiny`: `pipeline/homework.py` with one block, `pipeline/parts/given.py` without."""
    for name in ("solutions", "exercises"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(paths, name.upper(), tmp_path / name)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "LESSONS", tmp_path / "lessons")
    monkeypatch.setenv("BOOTCAMP_STATE", str(tmp_path / "state"))
    package = tmp_path / "solutions" / "week05_tiny" / "pipeline"
    (package / "parts").mkdir(parents=True)
    (package / "homework.py").write_text(SOLUTION)
    (package / "parts" / "given.py").write_bytes(GIVEN)
    all_weeks.cache_clear()
    yield Week(5, "week05_tiny")
    all_weeks.cache_clear()
