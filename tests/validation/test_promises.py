"""Each promise of an item has a grader that names it, and a wrong solution that breaks it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from autograder.validation.promises import ITEM_OF_FILE, promises
from autograder.validation.variants import load_variants
from bootcamp.course.manifest import graded_weeks
from bootcamp.course.weeks import Week

WEEKS = graded_weeks()
LETTERS = re.compile(r"^(?P<letters>[a-z](?:, [a-z])*): ")
"""How the docstring of a grader begins that checks promises of its item."""


@pytest.mark.parametrize("week", WEEKS, ids=str)
def test_each_promise_is_checked_and_broken(week: Week) -> None:
    found = faults(promises(week), checked(week), broken(week))
    assert not found, "\n".join(found)


def test_what_is_missing_is_said() -> None:
    texts = {"5.2a": "Double the wait.", "5.2b": "Pick it at random."}
    tests = {
        "5.2a": ["test_5_2_backoff.py::test_doubling"],
        "5.2c": ["test_5_2_backoff.py::test_cap"],
    }
    wrong = {"5.2b": ["no_jitter.patch"]}
    assert faults(texts, tests, wrong) == [
        "5.2b is checked by no grader: Pick it at random.",
        "5.2a is broken by no wrong solution: Double the wait.",
        "test_5_2_backoff.py::test_cap checks 5.2c, which is no promise",
    ]


def checked(week: Week) -> dict[str, list[str]]:
    """The graders that name a promise, by its id. An id need not exist: a typing error shows so."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(week.grader.glob("test_*.py")):
        item = ITEM_OF_FILE.match(path.name)
        for test in _tests(path) if item else ():
            begins = LETTERS.match(ast.get_docstring(test) or "")
            for letter in begins["letters"].split(", ") if begins else ():
                found[f"{item[1]}.{item[2]}{letter}"].append(f"{path.name}::{test.name}")  # type: ignore[index]
    return dict(found)


def broken(week: Week) -> dict[str, list[str]]:
    """The wrong solutions that break a promise, by its id."""
    found: dict[str, list[str]] = defaultdict(list)
    for variant in load_variants(week):
        for name in variant.breaks:
            found[name].append(variant.path.name)
    return dict(found)


def faults(
    texts: Mapping[str, str],
    tests: Mapping[str, list[str]],
    wrong: Mapping[str, list[str]],
) -> list[str]:
    """One sentence for each promise that nobody checks or breaks, and each id that does not exist."""
    found = [
        f"{name} is checked by no grader: {text}"
        for name, text in texts.items()
        if name not in tests
    ]
    found += [
        f"{name} is broken by no wrong solution: {text}"
        for name, text in texts.items()
        if name not in wrong
    ]
    for kind, named in (("checks", tests), ("breaks", wrong)):
        found += [
            f"{' and '.join(places)} {kind} {name}, which is no promise"
            for name, places in named.items()
            if name not in texts
        ]
    return found


def _tests(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test_"
        ):
            yield node
