"""What trials with fresh eyes came to: solutions written from lesson and TODO alone.

Their author saw neither the graders nor the solutions that were tried before. Each week keeps its
trials in `fresh_eyes.toml`:

    [[trial]]
    date = 2026-11-28
    wrong = 60       # wrong solutions
    passed = 4       # of these, kept the points of their item
    right = 18       # right solutions, unlike the reference
    refused = 1      # of these, lost an item

The figures are those before the graders were corrected.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date

from bootcamp.course.weeks import Week

FILE = "fresh_eyes.toml"


@dataclass(frozen=True)
class Trial:
    """One author's solutions for one week."""

    date: date
    wrong: int
    passed: int
    right: int
    refused: int


def trials(week: Week) -> tuple[Trial, ...]:
    """The trials of a week, as they were made; none if there is no file."""
    path = week.grader / FILE
    if not path.is_file():
        return ()
    return tuple(Trial(**one) for one in tomllib.loads(path.read_text(encoding="utf-8"))["trial"])


def table(weeks: tuple[Week, ...]) -> list[str]:
    """The trials of all weeks as the lines of a Markdown table."""
    lines = [
        "| week | date | wrong tried | of these passed | right tried | of these refused |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {week.number} | {one.date} | {one.wrong} | {one.passed} | {one.right} | {one.refused} |"
        for week in weeks
        for one in trials(week)
    ]
    return lines
