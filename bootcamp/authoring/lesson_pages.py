"""What a lesson's page says about itself: its title and its minutes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError

TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
FRONT = re.compile(r"^\*Week (\d+) · lesson (\d+) · (\d+) minutes\*$", re.MULTILINE)


@dataclass(frozen=True)
class LessonPage:
    """One lesson."""

    path: Path
    title: str
    minutes: int


def lesson_pages(week: Week) -> tuple[LessonPage, ...]:
    """The week's lessons, in order.

    Raises:
        BootcampError: a page has no title, or no line with its minutes.
    """
    return tuple(_read(path) for path in sorted(week.lessons.glob("[0-9]*.md")))


def _read(path: Path) -> LessonPage:
    text = path.read_text(encoding="utf-8")
    title, front = TITLE.search(text), FRONT.search(text)
    if title is None or front is None:
        raise BootcampError(
            f"{path} does not begin with a title and its minutes.",
            "Write below the title: *Week 1 · lesson 2 · 20 minutes*",
        )
    return LessonPage(path, title[1], int(front[3]))
