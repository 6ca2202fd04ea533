"""The examples of the SDK's page: there is one for each name, and all of them run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import autograder.sdk
from autograder.run.plugin import Grading
from autograder.run.runner import run_graders
from autograder.run.session import Session
from autograder.sdk import fixtures
from bootcamp import paths
from bootcamp.course.weeks import find_week
from bootcamp.stack import Stack

FOLDER = paths.ROOT / "autograder/sdk"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
EXAMPLES = "\n\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
HEAD = """from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from autograder.sdk import *
from autograder.sdk import (
    answers,
    blobs,
    broker,
    comparing,
    database,
    documents,
    network,
    randomness,
    relay,
    uploading,
)
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import JobsTable, job

pytestmark = pytest.mark.item("4.1")


"""


def shows(name: str, text: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def test_every_public_name_has_an_example() -> None:
    assert [name for name in autograder.sdk.__all__ if not shows(name, EXAMPLES)] == []


def test_every_fixture_and_module_is_on_the_page() -> None:
    marked = [name for name, one in vars(fixtures).items() if hasattr(one, "_fixture_function")]
    named = [name for name in marked if not name.startswith("_")]
    assert "student" in named
    modules = [path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"]
    assert [name for name in (*named, *modules) if f"`{name}`" not in PAGE] == []
    waiting = [name for name in named if not name.startswith(fixtures.EARLY)]
    assert [name for name in waiting if not shows(name, EXAMPLES)] == []


def test_the_examples_run(stack: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    (folder / "test_examples.py").write_text(HEAD + EXAMPLES, encoding="utf-8")
    week = find_week("4")
    with Session(week, week.solutions, stack, seed=1, items=["4.1"]) as session:
        grading = Grading(session)
        code, output = run_graders(folder, grading)
    [result] = grading.result().items
    assert result.card is None, result.card.text()
    assert code == pytest.ExitCode.OK, output
    assert f"{EXAMPLES.count('def test_')} passed" in output
