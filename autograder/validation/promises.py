"""The promises of a week: what its TODOs require, and which tests and wrong solutions hold each.

A promise is a requirement of a TODO, and its id is the item and the letter: `5.2a`.

- A grader names the promises that it checks at the start of its docstring, by their letters:
  `"a, d: two browsers of the owner get every change."`
- A wrong solution names those that it breaks in its header: `breaks: 5.2a 5.2d`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootcamp.authoring.scaffold import blocks
from bootcamp.course.manifest import Item, load_manifest
from bootcamp.course.weeks import Week

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


def _of_file(week: Week, item: Item, file: str) -> Iterator[tuple[str, str]]:
    path = week.solutions / file
    for block in blocks(path.read_text(encoding="utf-8"), path):
        if block.item == item.id:
            yield from block.requirements.items()
