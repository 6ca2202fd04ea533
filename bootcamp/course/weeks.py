"""The weeks of the course. A week exists when `solutions/weekNN_slug` does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bootcamp import paths
from bootcamp.errors import UsageError

OPEN_FILE = "OPEN.md"
"""Stands in the solutions of a week that is open, in the student edition: there is no solution."""
WEEK_FOLDER = re.compile(r"week(\d{2})_([a-z0-9_]+)")


@dataclass(frozen=True, order=True)
class Week:
    """One week, named alike in all five folders: `week05_retries`."""

    number: int
    name: str

    @property
    def lessons(self) -> Path:
        return paths.LESSONS / self.name

    @property
    def exercises(self) -> Path:
        return paths.EXERCISES / self.name

    @property
    def solutions(self) -> Path:
        return paths.SOLUTIONS / self.name

    @property
    def is_open(self) -> bool:
        """Whether the solution is held back: the files in its place are what was handed out."""
        return (self.solutions / OPEN_FILE).is_file()

    @property
    def grader(self) -> Path:
        return paths.AUTOGRADER / self.name

    @property
    def graded_notebook(self) -> Path:
        return paths.NOTEBOOKS / "source" / self.name / "check.ipynb"

    @property
    def live_notebook(self) -> Path:
        return paths.NOTEBOOKS / "live" / f"{self.name}.ipynb"

    def __str__(self) -> str:
        return self.name


@cache
def all_weeks() -> tuple[Week, ...]:
    """Every week there is, in order."""
    found = (WEEK_FOLDER.fullmatch(folder.name) for folder in paths.SOLUTIONS.iterdir())
    return tuple(sorted(Week(int(match[1]), match[0]) for match in found if match))


def find_week(text: str) -> Week:
    """The week that `5`, `05` or `week05_retries` names.

    Raises:
        UsageError: there is no such week.
    """
    for week in all_weeks():
        if text == week.name or (text.isdecimal() and int(text) == week.number):
            return week
    known = ", ".join(f"{week.number} ({week.name})" for week in all_weeks())
    raise UsageError(f"There is no week {text!r}.", f"The weeks here are: {known}.")


def weeks_through(week: Week) -> tuple[Week, ...]:
    """This week and all before it, newest first: the order of the layers."""
    return tuple(sorted((one for one in all_weeks() if one <= week), reverse=True))
