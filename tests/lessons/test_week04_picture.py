"""The lesson's picture of the state machine is the one in the code, arrow for arrow."""

from __future__ import annotations

import ast
import re

import pytest

from bootcamp.authoring.pages import Page, part_of
from bootcamp.course.weeks import find_week

WEEK = find_week("week04_job_state")
LESSON = WEEK.lessons / "06_the_state_machine.md"
SOURCE = (WEEK.solutions / "pipeline" / "models" / "job.py").read_text(encoding="utf-8")
DESCRIPTION = re.compile(r"^ +acc(?:Title|Descr): .+\n", re.MULTILINE)
ARROW = re.compile(r"^ +(\w+) --> (\w+)", re.MULTILINE)


@pytest.fixture(scope="module")
def state_machine() -> str:
    """`STATE_MACHINE`, read from the source: importing it would need the week's layers."""
    part = part_of(SOURCE, "STATE_MACHINE")
    assert part is not None
    (assignment,) = ast.parse(part).body
    assert isinstance(assignment, ast.Assign)
    return str(ast.literal_eval(assignment.value))


def test_the_lesson_shows_the_picture_of_the_code(state_machine: str) -> None:
    (picture,) = Page.read(LESSON).blocks("mermaid")
    assert DESCRIPTION.sub("", picture.text) == state_machine


def test_the_program_that_tries_every_way_finds_the_arrows(state_machine, output_of) -> None:
    heading, *rows = output_of("python lessons/week04_job_state/code/every_way.py").splitlines()
    goals = heading.split()
    gone = {
        (start, goal)
        for start, *cells in map(str.split, rows)
        for goal, cell in zip(goals, cells, strict=True)
        if cell == "yes"
    }
    assert gone == set(ARROW.findall(state_machine))
