"""The mistakes that a class makes most often, and the section of a lesson that answers each."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.classroom.policy.summary import ClassStatistics
from bootcamp.course.weeks import Week

MOST = 8
"""Misconceptions that are listed."""
FROM = 2
"""A mistake that fewer students made is no misconception of the class."""
_NO_ANSWER = ("You will be able to", "Why it matters", "Questions")
"""Sections of every lesson that explain nothing."""
_WORD = re.compile(r"[a-z_]{4,}")
_STEM = 6
"""Words with the same first letters count as the same word: retry, retries."""


@dataclass(frozen=True)
class Misconception:
    """A cause that several cards name."""

    item: str
    text: str
    students: int
    lesson: str
    """The lesson's file, from the course's folder."""
    section: str
    """The heading in it that has most in common with the cause; empty where none has anything."""


def misconceptions(week: Week, stats: ClassStatistics) -> tuple[Misconception, ...]:
    """The most frequent causes on cards, the most frequent first."""
    found = []
    for one in stats.items:
        lesson = week.lessons / one.item.lesson
        text = lesson.read_text(encoding="utf-8") if lesson.is_file() else ""
        where = f"lessons/{week.name}/{one.item.lesson}"
        for cause, students in one.causes:
            if students >= FROM:
                section = section_for(cause, text)
                found.append(Misconception(one.item.id, cause, students, where, section))
    return tuple(sorted(found, key=lambda one: -one.students)[:MOST])


def section_for(cause: str, lesson: str) -> str:
    """The heading of the section that shares the most words with a cause, rare words counting more."""
    sections = dict(_sections(lesson))
    words = {heading: _stems(f"{heading} {text}") for heading, text in sections.items()}
    spread = Counter(stem for stems in words.values() for stem in stems)

    def shared(heading: str) -> float:
        common = words[heading] & _stems(cause)
        return sum(math.log((1 + len(words)) / spread[stem]) for stem in common)

    best = max(words, key=shared, default="")
    return best if best and shared(best) > 0 else ""


def _sections(lesson: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^## ", lesson, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        if heading.strip() not in _NO_ANSWER:
            yield heading.strip(), text


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(text.lower())}
