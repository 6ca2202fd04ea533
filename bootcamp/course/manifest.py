"""The manifest of a week: its items, their points, files and lessons. `manifest.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bootcamp.course.weeks import Week, all_weeks, find_week
from bootcamp.errors import GraderError, UsageError

ItemId = Annotated[str, Field(pattern=r"^[1-9]\d?\.(0|[1-9]\d?)$")]
FIRST_GREEN = "first green"
"""What takes the place of points where an item has none."""


def points_text(score: float, max_score: float) -> str:
    """Write points for people: `1/2`, or `first green` for an item of zero points."""
    return f"{score:g}/{max_score:g}" if max_score else FIRST_GREEN


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(_Strict):
    """A part of an item with points of its own."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    points: Annotated[float, Field(gt=0)]
    tests: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the grader's test functions that decide it."""
    bonus: bool = False
    """On top of the item's points. The item passes without it."""
    hidden: bool = False
    """Its outcome is shown after the deadline only. Its tests are in a file `test_*_hidden.py`, which
    students do not get.
    """


class Item(_Strict):
    """One homework item: the unit of points, unless it has checks."""

    id: ItemId
    title: str
    points: Annotated[float, Field(ge=0)]
    """Zero for `N.0`, the first green, and more than zero for every other item."""
    files: Annotated[tuple[str, ...], Field(min_length=1)]
    """Files that hold the item's blocks, relative to the week's folder."""
    lesson: str
    """File name of the lesson to read, in the week's lessons folder."""
    needs: tuple[ItemId, ...] = ()
    """Items that must pass before this one can be judged."""
    checks: tuple[Check, ...] = ()
    """Parts with points of their own; none means all of the points or nothing. A test that no check
    names must pass before any check counts.
    """

    def check_of(self, test: str) -> Check | None:
        """The check that a test function belongs to."""
        return next((one for one in self.checks if test in one.tests), None)

    @property
    def is_first_green(self) -> bool:
        """Whether this is `N.0`: it shows that everything runs, and earns no points."""
        return self.id.endswith(".0")

    @model_validator(mode="after")
    def _points_fit(self) -> Item:
        if self.is_first_green != (self.points == 0):
            raise ValueError(f"{self.id}: an item N.0 has zero points, and no other item has")
        total = sum(one.points for one in self.checks if not one.bonus)
        if self.checks and total != self.points:
            raise ValueError(
                f"{self.id}: its checks have {total:g} points, and it has {self.points:g}"
            )
        for names in (
            [one.id for one in self.checks],
            [name for one in self.checks for name in one.tests],
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{self.id}: its checks name {', '.join(twice)} twice")
        return self


class Manifest(_Strict):
    """All items of one week, in order. Their hints are in `hints/N.M.md` next to the manifest."""

    items: Annotated[tuple[Item, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        seen: set[str] = set()
        for item in self.items:
            if missing := set(item.needs) - seen:
                raise ValueError(f"{item.id} needs {sorted(missing)}, which do not stand before it")
            if item.id in seen:
                raise ValueError(f"{item.id} stands twice")
            seen.add(item.id)
        needed = {name for item in self.items for name in item.needs}
        for item in self.items:
            if item.id in needed and any(check.hidden for check in item.checks):
                raise ValueError(f"{item.id} has a hidden check, so no other item may need it")
        return self

    @property
    def max_score(self) -> float:
        """Points of the week."""
        return sum(item.points for item in self.items)

    @property
    def files(self) -> tuple[PurePosixPath, ...]:
        """The homework files: all that a submission may bring."""
        return tuple(sorted({PurePosixPath(file) for item in self.items for file in item.files}))

    def item(self, item_id: str) -> Item:
        """The item called `item_id`.

        Raises:
            UsageError: the week has no such item.
        """
        for item in self.items:
            if item.id == item_id:
                return item
        known = ", ".join(item.id for item in self.items)
        raise UsageError(f"There is no item {item_id!r}.", f"The items of this week are: {known}.")

    def with_needs(self, item_ids: tuple[str, ...]) -> tuple[str, ...]:
        """These items and all that they need, in the manifest's order."""
        wanted = set(item_ids)
        for item in reversed(self.items):
            if item.id in wanted:
                wanted.update(item.needs)
        return tuple(item.id for item in self.items if item.id in wanted)


@cache
def load_manifest(week: Week) -> Manifest:
    """Read `autograder/weekNN_slug/manifest.toml`.

    Raises:
        GraderError: the file is missing or not as it must be.
    """
    path = week.grader / "manifest.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return Manifest.model_validate(found)
    except FileNotFoundError:
        raise UsageError(f"{week} has no homework to check yet.") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise GraderError(f"{path} is not a manifest: {error}") from error


def graded_weeks() -> tuple[Week, ...]:
    """The weeks that have a manifest."""
    return tuple(week for week in all_weeks() if (week.grader / "manifest.toml").is_file())


def find_item(text: str) -> tuple[Week, Item]:
    """The week and the item that `5.2` names.

    Raises:
        UsageError: there is no such week or item.
    """
    week_number, _, _ = text.partition(".")
    week = find_week(week_number)
    return week, load_manifest(week).item(text)
