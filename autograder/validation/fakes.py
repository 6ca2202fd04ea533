"""What a submission could fake, as the graders of each item answer it.

A module of the item's graders has these answers in its docstring, below `What a submission could fake:`.
Each is one line that begins with the name of its question. An answer may say that something stays open.
"""

from __future__ import annotations

import ast
import re

from autograder.validation.promises import ITEM_OF_FILE
from bootcamp.course.weeks import Week

HEADING = "What a submission could fake:"
QUESTIONS = {
    "counts": "does the grader judge by counts that a submission can pad?",
    "witness": "can the submission write to what the grader reads?",
    "place": "is a limit or an input at a known place?",
    "store": "is an effect looked for in one store only?",
    "probe": "can a submission see when it is watched?",
}
ANSWER = re.compile(r"^- (?P<question>\w+): (?P<text>\S.*)$")


def answers(week: Week) -> dict[str, dict[str, str]]:
    """The answers of each item of a week: the first line of each, by the question's name."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(week.grader.glob("test_*.py")):
        item = ITEM_OF_FILE.match(path.name)
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        _, heading, section = text.partition(f"{HEADING}\n")
        if item and heading:
            lines = map(ANSWER.match, section.splitlines())
            said = {one["question"]: one["text"] for one in lines if one}
            found.setdefault(f"{item[1]}.{item[2]}", {}).update(said)
    return found


def unanswered(items: list[str], found: dict[str, dict[str, str]]) -> list[str]:
    """One sentence for each question without an answer, and for each answer to no question."""
    missing = [
        f"{item}: {question} is not answered: {text}"
        for item in items
        for question, text in QUESTIONS.items()
        if question not in found.get(item, {})
    ]
    return missing + [
        f"{item}: {question} is no question"
        for item, said in found.items()
        for question in said
        if question not in QUESTIONS
    ]
