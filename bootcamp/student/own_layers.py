"""Which layers run for a student: their own weeks where they have passed, or the reference."""

from __future__ import annotations

from enum import StrEnum

from bootcamp.course.layers import Layer, reference_layers, student_layers
from bootcamp.course.weeks import Week, all_weeks
from bootcamp.student.progress import passed_weeks


class Whose(StrEnum):
    """Whose code runs."""

    STUDENT = "student"
    REFERENCE = "reference"


def current_week() -> Week:
    """The first week that has not passed, else the last."""
    passed = passed_weeks()
    weeks = all_weeks()
    return next((week for week in weeks if week not in passed), weeks[-1])


def layers_for(week: Week, whose: Whose) -> tuple[Layer, ...]:
    """The layers to run: the student's own where they have passed, or the reference."""
    if whose is Whose.REFERENCE:
        return reference_layers(week)
    return student_layers(week, passed_weeks())
