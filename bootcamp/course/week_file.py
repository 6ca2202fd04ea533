"""What a week says about itself: `lessons/weekNN_slug/week.toml`.

    title = "the waiting problem and a first task"
    adds = "Celery app, settings, first task"
    homework_hours = "3 to 4"
    prerequisites = ["Python functions and classes", "a terminal"]

    [blocks]
    lines = [3, 20]
    per_file = [1, 3]

The file lies with the lessons, not with the solutions: the student edition has all lessons but not
all solutions, and a new title must not change the fingerprint that decides what is graded again.
The week's number and slug are the folder's name. Minutes stand in each lesson, settings in the code.
"""

from __future__ import annotations

import tomllib

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError

FILE = "week.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BlockLimits(_Strict):
    """How much a block may cut out of the reference. Both ends of a range count."""

    lines: tuple[int, int] = (3, 20)
    """Lines of code in a block: one idea."""
    per_file: tuple[int, int] = (1, 3)
    """Blocks in a file that has any."""


class WeekFile(_Strict):
    """The fields of `week.toml`."""

    title: str = ""
    """The week's subject, as it goes on after "Week 1: "."""
    adds: str = ""
    """What the week adds to the reference pipeline, in a few words: for the picture of docs/course.md."""
    homework_hours: str = ""
    """An honest range, such as "3 to 4". Empty until somebody has measured it."""
    prerequisites: tuple[str, ...] = ()
    """What a student must know, beside the weeks before."""
    blocks: BlockLimits = Field(default_factory=BlockLimits)


WITHOUT_FILE = WeekFile(blocks=BlockLimits(lines=(1, 20)))


def load_week_file(week: Week) -> WeekFile:
    """Read a week's file. Every week of the course has one; the tests' tiny weeks may do without.

    Raises:
        BootcampError: it is not TOML, or has other fields or values than described above.
    """
    path = week.lessons / FILE
    if not path.is_file():
        return WITHOUT_FILE
    try:
        return WeekFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BootcampError(
            f"{path} is not a week file: {error}",
            "The fields are described at the top of bootcamp/course/week_file.py.",
        ) from error
