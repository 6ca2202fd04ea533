"""Every Python block of the pages is the text of a file that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring.pages import Block, Page, course_pages, part_of
from bootcamp.course.weeks import all_weeks
from bootcamp.errors import UsageError

TAUGHT = (paths.LESSONS, paths.EXERCISES)
PYTHON = [
    block
    for page in course_pages()
    if any(page.path.is_relative_to(folder) for folder in TAUGHT)
    for block in page.blocks("python")
]
NAMING_A_FILE = [
    block for page in course_pages() for block in page.blocks() if " file=" in block.info
]
"""Blocks of every language: scripts and pages of week 7 are copied from files too."""
PROGRAMS = sorted(path for week in all_weeks() for path in week.lessons.glob("code/*.py"))


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_python_block_is_its_file(block: Block) -> None:
    text = block.included()
    assert text is not None, "Name the file: ```python file=lessons/…/code/….py#part"
    assert block.text == text, "Run `python -m bootcamp.authoring.pages`."


@pytest.mark.parametrize("block", NAMING_A_FILE, ids=lambda block: block.place)
def test_block_that_names_a_file_is_its_text(block: Block) -> None:
    assert block.text == block.included(), "Run `python -m bootcamp.authoring.pages`."


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_program_is_run_by_a_transcript_or_imported_by_one_that_is(program: Path) -> None:
    lessons = [Page.read(path) for path in program.parents[1].glob("*.md")]
    consoles = [block.text for page in lessons for block in page.blocks("console")]
    shown = any(program.relative_to(paths.ROOT).as_posix() in text for text in consoles)
    siblings = [path.read_text(encoding="utf-8") for path in program.parent.glob("*.py")]
    imported = re.compile(rf"^(from|import) {program.stem}\b", re.MULTILINE)
    assert shown or any(imported.search(text) for text in siblings)


SOURCE = """\
LIMIT = 3


# Why it is so.
@cache
def first() -> int:
    return 1


class Second:
    pass
"""


def test_part_brings_decorators_and_the_comment_above() -> None:
    expected = "# Why it is so.\n@cache\ndef first() -> int:\n    return 1\n"
    assert part_of(SOURCE, "first") == expected
    assert part_of(SOURCE, "LIMIT") == "LIMIT = 3\n"
    assert part_of(SOURCE, "Second") == "class Second:\n    pass\n"
    assert part_of(SOURCE, "third") is None


def page_with(info: str) -> Page:
    return Page(paths.ROOT / "page.md", f"Before.\n\n```{info}\nold\n```\n\nAfter.\n")


def test_sync_replaces_the_block_and_nothing_else() -> None:
    page = page_with("python file=bootcamp/errors.py#EXIT_USAGE")
    assert page.synced() == page.text.replace("old\n", "EXIT_USAGE = 2\n")
    assert page_with("python").synced() == page_with("python").text


@pytest.mark.parametrize(
    ("include", "says"),
    [
        ("nowhere.py", "does not exist"),
        ("bootcamp/errors.py#nothing", "not found"),
        ("solutions/week01_first_task/pipeline/producer.py#enqueue_later", "answer of a homework"),
    ],
)
def test_bad_include_is_refused(include: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        page_with(f"python file={include}").synced()
