"""Which layers run for a student: their own weeks where they have passed, or the reference."""

from __future__ import annotations

from enum import StrEnum

from bootcamp.course.layers import Layer, reference_layers, student_layers
from bootcamp.course.weeks import Week, all_weeks
from bootcamp.errors import UsageError
from bootcamp.student.progress import load, passed_weeks


class Whose(StrEnum):
    """Whose code runs."""

    STUDENT = "student"
    REFERENCE = "reference"


def current_week() -> Week:
    """The week to work on: the newest that was begun, or the unfinished one after it.

    Where all of those have passed, it is the newest week.
    """
    passed, weeks, state = passed_weeks(), all_weeks(), load()
    begun = {number for number, item in state.items.items() if item.outcome is not None}
    newest = max((int(number.partition(".")[0]) for number in begun), default=0)
    later = (week for week in weeks if week.number >= newest and week not in passed)
    return next(later, weeks[-1])


def layers_for(week: Week, whose: Whose) -> tuple[Layer, ...]:
    """The layers to run: the student's own where they have passed, or the reference.

    Raises:
        UsageError: the reference is asked for, and the week is open, so there is none yet.
    """
    if whose is Whose.REFERENCE and week.is_open:
        raise UsageError(
            f"{week} is open: its reference comes when your course closes the week.",
            "Run `git pull` then. Until then run your own code: leave out --layers.",
        )
    if whose is Whose.REFERENCE:
        return reference_layers(week)
    return student_layers(week, passed_weeks())
