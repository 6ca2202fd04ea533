"""The commands that README.md, its four doors and CONTRIBUTING.md give can be run as they are written.

Links, diagrams and `console` blocks of all pages are tested in tests/lessons.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer.main

from bootcamp import paths
from bootcamp.authoring.pages import Page
from bootcamp.cli.main import build
from bootcamp.course.manifest import find_item
from bootcamp.course.weeks import all_weeks, find_week
from bootcamp.errors import UsageError

DOORS = ("docs/students.md", "docs/instructors.md", "teaching/README.md", "docs/engineers.md")
PAGES = [Page.read(paths.ROOT / name) for name in ("README.md", "CONTRIBUTING.md", *DOORS)]
COMMANDS = [
    pytest.param(line, id=f"{page.path.name}: {line}")
    for page in PAGES
    for block in page.blocks("sh")
    for line in block.text.replace("\\\n", " ").splitlines()
    if line.strip()
]
README = PAGES[0]
SCREEN_LINES = 40
COURSE = Page.read(paths.ROOT / "docs/course.md")
ROW = re.compile(r"^\| (\d+) `(\w+)` \|.*\|$", re.MULTILINE)
LOCKED = {
    re.split(r"[=\[; ]", line)[0].lower()
    for line in (paths.ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
}
PROGRAMS = {"jupyter": "jupyter-core", "pre-commit": "pre-commit", "pytest": "pytest", "uv": "uv"}
"""Program to the package that brings it."""


def make_targets() -> set[str]:
    text = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w-]+):", text, re.MULTILINE))


def parse(name: str, *words: str) -> dict[str, Any]:
    """What a command of ours makes of the words, without running it."""
    commands = typer.main.get_command(build()).commands  # type: ignore[attr-defined]
    params: dict[str, Any] = commands[name].make_context(name, list(words)).params
    return params


def names_something(value: str) -> bool:
    """Whether it is a week or an item of this course."""
    try:
        find_item(value) if "." in value else find_week(value)
    except UsageError:
        return False
    return True


@pytest.mark.parametrize("line", COMMANDS)
def test_command_can_be_run(line: str) -> None:
    program, *words = shlex.split(line, comments=True)
    program = program.removeprefix(".venv/bin/")
    if program == "bootcamp":
        asked = parse(*words)
        values = [asked.get(key) for key in ("what", "week", "item_id")]
        assert all(names_something(value) for value in values if value)
    elif program == "make":
        assert words[0] in make_targets()
    elif program in PROGRAMS:
        assert PROGRAMS[program] in LOCKED
    elif program == "python":
        assert (paths.ROOT / f"{words[1].replace('.', '/')}.py").is_file()
    elif program == "python3":
        assert words[1] in (paths.ROOT / ".env.example").read_text(encoding="utf-8")
    else:
        assert program in {"source", "docker", "git", "cd", "curl", "npm"}
    for word in words:
        if re.fullmatch(r"[\w.]+(/[\w.]+)+", word) and not word.startswith(".venv"):
            assert (paths.ROOT / word).exists(), word


def test_a_wrong_option_is_caught() -> None:
    with pytest.raises(Exception, match="--twice"):
        parse("demo", "--twice")


def test_every_week_stands_in_the_table() -> None:
    assert [name for _, name in ROW.findall(COURSE.text)] == [week.name for week in all_weeks()]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_paths_in_the_text_exist(page: Page) -> None:
    named = re.findall(
        r"`((?:autograder|bootcamp|exercises|lessons|solutions|tests)/[\w./]*)`", page.text
    )
    real = [path for path in named if "weekNN" not in path]
    assert [path for path in real if not (paths.ROOT / path).exists()] == []


def test_the_readme_is_one_screen_with_four_doors() -> None:
    assert len(README.text.splitlines()) <= SCREEN_LINES
    assert "docs/status_page.png" in README.text
    (doors,) = README.tables()
    assert [row[0].rpartition(" ")[2] for row in doors[1:]] == [
        "student",
        "instructor",
        "teacher",
        "engineer",
    ]
    assert set(DOORS) <= set(README.links())
