"""When work is due, and what lateness costs: pure functions of two moments and a policy."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from autograder.classroom.intake.moments import in_utc, zone
from bootcamp.errors import UsageError

DAY = timedelta(days=1)
Percent = Annotated[float, Field(ge=0, le=100)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LateRules(_Strict):
    """What lateness costs."""

    grace_minutes: Annotated[float, Field(ge=0)] = 0
    """Who is no later than this is in time. Who is later is late from the due moment on."""
    percent_per_day: Percent = 0
    """Of the points earned, for each day begun."""
    max_percent: Percent = 100
    """No more than this is taken, however late."""
    closes_after_days: Annotated[float, Field(ge=0)] | None = None
    """Later than this earns nothing. None: never closed."""
    free_days: Annotated[int, Field(ge=0)] = 0
    """Late days without a penalty that each student has, over the whole term."""
    free_days_folder: str = ""
    """Where each week keeps how many of them it used; relative to the policy file."""

    @model_validator(mode="after")
    def _a_place_to_keep(self) -> LateRules:
        if self.free_days and not self.free_days_folder:
            raise ValueError("free_days needs free_days_folder, one folder for all weeks")
        return self


class Policy(_Strict):
    """A class's rules: `policy.toml`."""

    timezone: str = "UTC"
    """Moments without an offset, here and in the roster, are meant in it."""
    due: datetime | None = None
    commit: Literal["newest", "last_before_due"] = "newest"
    """Which commit of a repository counts: the newest of its branch, or the last one in time."""
    late: LateRules = LateRules()
    extra_items: tuple[str, ...] = ()
    """Items that count on top: their points are not part of the maximum."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        zone(name)
        return name

    @field_validator("due")
    @classmethod
    def _everywhere(cls, due: datetime | None) -> datetime | None:
        if due:
            in_utc(due, UTC)  # a ValueError names the field
        return due

    @property
    def zone(self) -> ZoneInfo:
        """The class's time zone."""
        return zone(self.timezone)

    @property
    def due_moment(self) -> datetime | None:
        """When work is due, in UTC."""
        return in_utc(self.due, self.zone) if self.due else None


@dataclass(frozen=True)
class Lateness:
    """What a submission's moment costs."""

    minutes: float = 0.0
    """After the due moment."""
    days: int = 0
    """Days begun that count; 0 within the grace."""
    percent: float = 0.0
    """Of the points earned that are taken."""
    closed: bool = False
    """Too late to count at all."""


def lateness(due: datetime, submitted: datetime, rules: LateRules) -> Lateness:
    """What `rules` say about work that was due then and came then. Both moments in UTC."""
    after = submitted - due
    if after <= timedelta(0):
        return Lateness()
    minutes = round(after / timedelta(minutes=1), 2)
    if after <= timedelta(minutes=rules.grace_minutes):
        return Lateness(minutes)
    days = math.ceil(after / DAY)
    if rules.closes_after_days is not None and after > rules.closes_after_days * DAY:
        return Lateness(minutes, days, 100.0, closed=True)
    return Lateness(minutes, days, min(days * rules.percent_per_day, rules.max_percent))


def with_free_days(
    due: datetime, submitted: datetime, rules: LateRules, free: int
) -> tuple[Lateness, int]:
    """Lateness after free late days, and how many of them it takes.

    As few are taken as make the penalty as small as it can be: none where they would not help.

    Args:
        due: the due moment, in UTC.
        submitted: the moment of the submission, in UTC.
        rules: the class's rules.
        free: late days that the student has left.
    """
    late = lateness(due, submitted, rules)
    most = min(free, late.days)
    percents = [lateness(due + days * DAY, submitted, rules).percent for days in range(most + 1)]
    used = percents.index(min(percents))
    after = lateness(due + used * DAY, submitted, rules)
    return replace(after, minutes=late.minutes, days=late.days), used


def load_policy(path: Path | None, items: Iterable[str]) -> Policy:
    """The policy in a TOML file, or one without rules.

    Raises:
        UsageError: the file cannot be read, says something unknown, or names no item of the week.
    """
    if path is None:
        return Policy()
    try:
        policy = Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"Cannot read the policy {path}: {error}.") from None
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise UsageError(f"The policy {path} does not hold: {'; '.join(problems)}.") from None
    if unknown := sorted(set(policy.extra_items) - set(items)):
        raise UsageError(
            f"The policy {path} names extra items that the week does not have: {unknown}.",
            f"The items of this week are: {', '.join(items)}.",
        )
    if policy.late.free_days_folder:
        folder = str(path.resolve().parent / policy.late.free_days_folder)
        rules = policy.late.model_copy(update={"free_days_folder": folder})
        policy = policy.model_copy(update={"late": rules})
    return policy
