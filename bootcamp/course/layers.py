"""How weeks add up: `PYTHONPATH = weekN : weekN-1 : … : week01`, and nothing else.

`pipeline` is a PEP 420 namespace package spread over the week folders. Python takes the first
folder on the path that holds a module, so a later week wins where a file stands in two: only the
wiring file does.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bootcamp.course.weeks import Week, weeks_through

WIRING_FILE = Path("pipeline/wiring.py")
"""The one file that may stand in several weeks."""


class Source(StrEnum):
    """Who wrote a layer."""

    STUDENT = "student"
    REFERENCE = "reference"
    SUBMISSION = "submission"


@dataclass(frozen=True)
class Layer:
    """One week's folder on the path, and whose it is."""

    week: Week
    source: Source
    path: Path


def reference_layers(week: Week) -> tuple[Layer, ...]:
    """The reference of this week and all before it, newest first. In the student edition an open
    week has none: there the student's own takes its place.
    """
    return tuple(map(_reference, weeks_through(week)))


def _reference(week: Week) -> Layer:
    if week.is_open:
        return Layer(week, Source.STUDENT, week.exercises)
    return Layer(week, Source.REFERENCE, week.solutions)


def layers_under(week: Week, top: Layer) -> tuple[Layer, ...]:
    """`top` as this week's layer, on the reference of the weeks before: what a grader runs."""
    return (top, *reference_layers(week)[1:])


def student_layers(week: Week, passed: Collection[Week]) -> tuple[Layer, ...]:
    """The student's own layers: this week's always, an earlier week's where its check has passed."""
    return tuple(
        Layer(one, Source.STUDENT, one.exercises)
        if one == week or one in passed
        else _reference(one)
        for one in weeks_through(week)
    )


def pythonpath(layers: Iterable[Layer]) -> str:
    """The value of `PYTHONPATH` that runs these layers."""
    return os.pathsep.join(str(layer.path) for layer in layers)
