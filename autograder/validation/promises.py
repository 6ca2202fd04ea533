"""The promises of a week: what its TODOs require, and which tests and wrong solutions hold each.

A promise is a requirement of a TODO, and its id is the item and the letter: `5.2a`.

- A grader names the promises that it checks at the start of its docstring, by their letters:
  `"a, d: two browsers of the owner get every change."`
- A wrong solution names those that it breaks in its header: `breaks: 5.2a 5.2d`.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.validation.variants import load_variants
from bootcamp.authoring.scaffold import blocks
from bootcamp.course.manifest import Item, load_manifest
from bootcamp.course.weeks import Week

LETTERS = re.compile(r"^(?P<letters>[a-z](?:, [a-z])*): ")
"""How the docstring of a grader begins that checks promises of its item."""
ITEM_OF_FILE = re.compile(r"test_(\d+)_(\d+)")
"""A grader's file is named after its item: `test_5_2_backoff.py`."""


def promises(week: Week) -> dict[str, str]:
    """The text of each promise of a week, by its id, in the order of the manifest."""
    return {
        name: text
        for item in load_manifest(week).items
        for file in item.files
        for name, text in _of_file(week, item, file)
    }


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


def _of_file(week: Week, item: Item, file: str) -> Iterator[tuple[str, str]]:
    path = week.solutions / file
    for block in blocks(path.read_text(encoding="utf-8"), path):
        if block.item == item.id:
            yield from block.requirements.items()


def _tests(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test_"
        ):
            yield node
