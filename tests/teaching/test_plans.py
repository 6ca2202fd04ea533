"""The session plans: their minutes, the parts of the live notebooks, and an answer to each question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

import nbformat
import pytest

from bootcamp import paths
from bootcamp.authoring.pages import Page
from bootcamp.course.weeks import Week, all_weeks

FOLDER = paths.ROOT / "teaching"
SESSION_MINUTES = 180
SHORTEST_ANSWER = 8
"""Words. A shorter answer is a word that somebody wanted to replace later."""
PARTS = ("Warm-up", "Break", "Guided lab", "Wrap-up")
"""What each session has. Further parts are free."""
OPTIONAL = "Five misconceptions"
HEADINGS = [
    "Before the first session",
    "Session 1",
    "Session 2",
    "Answers to the warm-ups and the discussion",
    'Answers to "Ask the room"',
    "On the board",
    "What goes wrong live",
]
NOTEBOOK_PART = re.compile(r"^## (\d+)\. (.+) \((\d+) minutes?\)$", re.MULTILINE)
QUESTION = re.compile(r"\*\*Ask the room:?\*\*:?(.*)")
LIVE = re.compile(r"Live notebook, part (\d+)")
each_week = pytest.mark.parametrize("week", all_weeks(), ids=str)


def plan(week: Week) -> Page:
    return Page.read(FOLDER / f"week{week.number:02}.md")


def notebook_texts(week: Week) -> list[str]:
    notebook = nbformat.read(week.live_notebook, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def questions(text: str) -> list[str]:
    """The questions of a cell: the rest of the line after "Ask the room", or the list below it."""
    lines = text.splitlines()
    found: list[str] = []
    for number, line in enumerate(lines):
        if match := QUESTION.search(line):
            inline = match[1].strip()
            below = (one for one in lines[number + 1 :] if one)
            listed = takewhile(lambda one: one.startswith("- "), below)
            found += [inline] if inline else [one.removeprefix("- ") for one in listed]
    return found


@dataclass(frozen=True)
class Row:
    start: str
    minutes: int
    part: str


def sessions(week: Week) -> list[list[Row]]:
    """The rows of both sessions."""
    tables = [table for table in plan(week).tables() if table[0][0] == "start"]
    return [[Row(row[0], int(row[1]), row[2]) for row in table[1:]] for table in tables]


def answers(week: Week) -> dict[str, str]:
    """The first paragraph after each question, by question."""
    blocks = plan(week).text.split("\n\n")
    pairs = pairwise(blocks)
    return {block.removeprefix("> "): after for block, after in pairs if block.startswith("> ")}


@each_week
def test_the_plan_has_its_parts(week: Week) -> None:
    assert [one for one in plan(week).headings(2) if one != OPTIONAL] == HEADINGS


@each_week
def test_each_session_has_180_minutes(week: Week) -> None:
    assert len(sessions(week)) == 2
    for rows in sessions(week):
        assert sum(row.minutes for row in rows) == SESSION_MINUTES
        begun = 0
        for row in rows:
            assert row.start == f"{begun // 60}:{begun % 60:02}", row
            begun += row.minutes
        named = {row.part for row in rows}
        assert set(PARTS) <= named, f"missing: {set(PARTS) - named}"


@each_week
def test_the_notebook_is_planned_with_its_own_times(week: Week) -> None:
    parts = NOTEBOOK_PART.findall("\n".join(notebook_texts(week)))
    first, _ = sessions(week)
    planned = [(match[1], row.minutes) for row in first if (match := LIVE.match(row.part))]
    assert planned == [(number, int(minutes)) for number, _, minutes in parts]


@each_week
def test_each_question_for_the_room_has_an_answer(week: Week) -> None:
    asked = [one for text in notebook_texts(week) for one in questions(text)]
    assert asked, "the notebook asks nothing"
    found = answers(week)
    missing = [one for one in asked if len(found.get(one, "").split()) < SHORTEST_ANSWER]
    assert not missing, "\n".join(missing)
    extra = [one for one in found if one not in asked]
    assert not extra, f"the notebook does not ask: {extra}"


@each_week
def test_warm_ups_and_discussions_have_answers(week: Week) -> None:
    asked = [
        f"Session {number}" if row.part == "Warm-up" else row.part
        for number, rows in enumerate(sessions(week), 1)
        for row in rows
        if row.part in ("Warm-up", "Discussion")
    ]
    (table,) = (table for table in plan(week).tables() if table[0][0] == "question")
    assert [question.partition(":")[0] for question, _ in table[1:]] == asked
    assert all(len(answer.split()) >= SHORTEST_ANSWER for _, answer in table[1:])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**Ask the room:** why?", ["why?"]),
        ("It does. **Ask the room:** why?\n\nMore.", ["why?"]),
        ("**Ask the room**\n\n- why?\n- when?\n\nNow:\n- no question", ["why?", "when?"]),
        ("Ask nobody.", []),
    ],
)
def test_questions_are_found(text: str, expected: list[str]) -> None:
    assert questions(text) == expected


def test_every_file_of_the_kit_is_linked() -> None:
    """A teacher finds each page from `teaching/README.md`, misconceptions by their week's plan."""
    start = Page.read(FOLDER / "README.md")
    linked = {link.partition("#")[0] for link in start.links()}
    for path in sorted(FOLDER.glob("*.md")):
        assert path == start.path or path.name in linked
    for week in all_weeks():
        assert Path("misconceptions", f"week{week.number:02}.md").as_posix() in plan(week).links()
