"""Every week has all of its parts: overview, first green, hints by function, notebooks."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase

import pytest

from bootcamp import paths
from bootcamp.authoring.pages import Page
from bootcamp.authoring.scaffold import Block, blocks
from bootcamp.course.hints import Ladder, hints_page, ladders
from bootcamp.course.manifest import Item, graded_weeks, load_manifest
from bootcamp.course.weeks import Week

OVERVIEW_PARTS = (
    "Goals",
    "Prerequisites",
    "Time",
    "Not covered",
    "The given code in ten minutes",
    "Further reading",
)
WEEKS = graded_weeks()
ITEMS = [(week, item) for week in WEEKS for item in load_manifest(week).items]
JS_FUNCTION = re.compile(
    r"^ *(?:export )?(?:async )?(?:function )?(?!(?:if|for|while|switch)\b)(#?\w+)\([^()]*\) \{$",
    re.M,
)
"""The first line of a function or a method in a script."""
LANGUAGES = {".py": "python", ".js": "js", ".css": "css", ".html": "html"}
"""By file ending: what a fence with code of such a file says."""
each_week = pytest.mark.parametrize("week", WEEKS, ids=str)
each_item = pytest.mark.parametrize(("week", "item"), ITEMS, ids=[item.id for _, item in ITEMS])


def overview(week: Week) -> Page:
    return Page.read(week.lessons / "README.md")


def answers(week: Week, item: Item) -> Iterator[tuple[str, str, Block]]:
    """File, function and block of each blank of an item."""
    for file in item.files:
        text = (week.solutions / file).read_text(encoding="utf-8")
        for block in blocks(text, week.solutions / file):
            if block.item == item.id:
                yield file, place_of(block, Path(file).suffix, text), block


def place_of(block: Block, kind: str, text: str) -> str:
    """The function that a block is in. A style sheet and a page have none: there it is the id of the
    block's first requirement, such as `7.5g`.
    """
    if kind == ".py":
        around = [name for name, node in named(ast.parse(text)) if holds(node, block)]
        return around[-1]
    if kind == ".js":
        before = "\n".join(text.splitlines()[: block.line])
        return JS_FUNCTION.findall(before)[-1]
    return next(iter(block.requirements))


def named(node: ast.AST, before: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function with its qualified name, the outer ones first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{before}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield name, child  # type: ignore[misc]
            yield from named(child, f"{name}.")


def holds(node: ast.FunctionDef, block: Block) -> bool:
    return node.lineno <= block.line <= (node.end_lineno or 0)


def test_every_week_from_the_first_one_is_checked() -> None:
    assert len(WEEKS) >= 7
    assert [week.number for week in WEEKS] == list(range(1, len(WEEKS) + 1))


@each_week
def test_the_first_item_alone_is_the_first_green(week: Week) -> None:
    first, *others = load_manifest(week).items
    assert first.is_first_green and not any(item.is_first_green for item in others)


@each_week
def test_the_overview_has_its_parts_in_order(week: Week) -> None:
    page = overview(week)
    assert len(page.headings(1)) == 1
    assert page.headings(2) == list(OVERVIEW_PARTS)
    assert "hours" in page.text and "minutes" in page.text
    index = (paths.LESSONS / "README.md").read_text(encoding="utf-8")
    assert f"({week.name}/README.md)" in index
    assert "lessons/" in (week.exercises / "README.md").read_text(encoding="utf-8")


@each_week
def test_the_overview_counts_the_minutes_of_the_lessons(week: Week) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(week.lessons.glob("[0-9]*.md"))]
    minutes = [int(one) for text in texts for one in re.findall(r"· (\d+) minutes\*$", text, re.M)]
    *lessons, check = minutes
    for total in (sum(lessons), check):
        assert f"| {total} minutes |" in overview(week).text


@each_week
def test_the_overview_names_every_given_file_and_every_file_to_fill(week: Week) -> None:
    files = [path.relative_to(week.exercises) for path in week.exercises.rglob("pipeline/**/*.py")]
    missing = [file for file in files if f"`{file.as_posix()}`" not in overview(week).text]
    assert not missing


@each_week
def test_the_overview_links_to_official_pages(week: Week) -> None:
    assert len([link for link in overview(week).links() if link.startswith("https://")]) >= 5


@each_week
def test_the_homework_page_names_both_notebooks_and_how_to_run_them(week: Week) -> None:
    text = (week.exercises / "README.md").read_text(encoding="utf-8")
    assert week.graded_notebook.is_file() and week.live_notebook.is_file()
    assert week.live_notebook.relative_to(paths.ROOT).as_posix() in text
    assert f"jupyter lab notebooks/{week.name}/check.ipynb" in text  # where the edition has it


@each_item
def test_every_requirement_has_a_letter(week: Week, item: Item) -> None:
    """So each promise of an item has an id, such as `1.2b`."""
    found = [one for _, _, block in answers(week, item) for one in block.requirements]
    assert found == [f"{item.id}{letter}" for letter in ascii_lowercase[: len(found)]]
    assert all(block.requirements for _, _, block in answers(week, item))


@each_item
def test_every_function_has_a_ladder(week: Week, item: Item) -> None:
    wanted = {(file, function) for file, function, _ in answers(week, item)}
    assert {(one.file, one.function) for one in ladders(week, item)} == wanted


@each_item
def test_the_answer_of_a_ladder_is_the_reference(week: Week, item: Item) -> None:
    """So a changed reference cannot leave an old answer behind."""
    for file, function, block in answers(week, item):
        (ladder,) = [
            one for one in ladders(week, item) if (one.file, one.function) == (file, function)
        ]
        code = textwrap.dedent("\n".join(block.code)).strip()
        language = LANGUAGES[Path(file).suffix]
        assert f"```{language}\n{code}\n```" in ladder.hints[-1].text, f"{file}: {function}"
        assert not any(code in hint.text for hint in ladder.hints[:-1])


@each_item
def test_a_ladder_leads_to_a_section_that_exists(week: Week, item: Item) -> None:
    page = Page.read(hints_page(week, item.id))
    assert len(page.links()) >= len(ladders(week, item))
    for link in page.links():
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve()
        assert target.parent == week.lessons
        assert anchor in Page.read(target).anchors(), link


@each_item
def test_a_ladder_has_a_similar_case_in_code(week: Week, item: Item) -> None:
    def similar(ladder: Ladder) -> str:
        return next(hint.text for hint in ladder.hints if hint.title == "Similar case")

    for ladder in ladders(week, item):
        assert f"```{LANGUAGES[Path(ladder.file).suffix]}" in similar(ladder)
