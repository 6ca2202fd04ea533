"""A week's rubric: what a person looks at, and what each level is worth. `rubric.toml`.

Any week may have one, beside its `manifest.toml`. Its points are not part of the automatic points.
"""

from __future__ import annotations

import tomllib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError

FILE = "rubric.toml"
BETWEEN = "Between two levels."
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Level(_Strict):
    """How good the work is in one respect, and what that is worth."""

    points: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    text: Text


class Criterion(_Strict):
    """One thing that a person looks at."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """The name in tables of points. It never looks like the id of an item, such as `9.1`."""
    title: Text
    asks: Text
    """The question that the levels answer."""
    levels: Annotated[tuple[Level, ...], Field(min_length=2)]
    """From the best one down to zero points."""

    @property
    def max_points(self) -> float:
        """What the best level is worth."""
        return self.levels[0].points

    def level_text(self, points: float) -> str:
        """Describe the level that has exactly these points."""
        return next((one.text for one in self.levels if one.points == points), BETWEEN)

    @model_validator(mode="after")
    def _levels_go_down_to_zero(self) -> Criterion:
        points = [one.points for one in self.levels]
        if points != sorted(set(points), reverse=True) or points[-1] != 0:
            raise ValueError(f"{self.id}: the points of its levels must go down, and end with 0")
        return self


class Rubric(_Strict):
    """All criteria of one week, in order."""

    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]

    @property
    def max_points(self) -> float:
        """What the best work is worth."""
        return sum(one.max_points for one in self.criteria)

    @model_validator(mode="after")
    def _each_once(self) -> Rubric:
        ids = [one.id for one in self.criteria]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"two criteria have the id {', '.join(twice)}")
        if "overall" in ids:
            raise ValueError("no criterion may have the id overall: it means the whole work")
        return self


def load_rubric(week: Week) -> Rubric | None:
    """Read `autograder/weekNN_slug/rubric.toml`; None if the week has no rubric.

    Raises:
        UsageError: the file cannot be read, or a field is missing, unknown or wrong.
    """
    path = week.grader / FILE
    try:
        return Rubric.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"Cannot read the rubric {path}: {error}.") from None
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise UsageError(f"The rubric {path} has errors:\n  " + "\n  ".join(problems)) from None
