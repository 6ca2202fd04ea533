"""What came out: an outcome per item, a result per week."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from autograder.card import Card
from bootcamp.course.manifest import FIRST_GREEN, Check, Item, points_text
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week

SEVERITY = (
    Outcome.GRADER_ERROR,
    Outcome.NOT_GRADABLE,
    Outcome.FAILED,
    Outcome.UNAVAILABLE,
    Outcome.SKIPPED,
    Outcome.PASSED,
)
"""An item with several tests ends as the most severe of them."""


@dataclass(frozen=True)
class CheckResult:
    """How one part of an item ended."""

    check: Check
    outcome: Outcome
    card: Card | None

    @property
    def score(self) -> float:
        """All of its points, or none."""
        return self.check.points if self.outcome is Outcome.PASSED else 0.0

    @property
    def text(self) -> str:
        """One line for the item's card."""
        one = self.check
        kind = "bonus, " if one.bonus else ""
        cause = self.card.cause or self.card.got if self.card else ""
        line = f"{one.title}: {kind}{self.outcome.value}, {points_text(self.score, one.points)}"
        return line if self.outcome is Outcome.PASSED or not cause else f"{line}: {cause}"


@dataclass(frozen=True)
class ItemResult:
    """How one item ended."""

    item: Item
    outcome: Outcome
    card: Card | None
    seconds: float
    late: bool = False
    """Whether a wait came to its end without an answer in the test that failed: on a machine that is
    too slow, that happens to right code too."""
    crowded: bool = False
    """Whether far more processes wanted a processor then than there are."""
    checks: tuple[CheckResult, ...] = ()
    """Its parts with points of their own. None if it has none, or if a test that all need has failed."""

    @property
    def score(self) -> float:
        """All of the item's points, or none; of an item with checks, those of the checks that passed.
        Not to be recorded where the outcome is not `judged`.
        """
        if self.checks and self.outcome in (Outcome.PASSED, Outcome.FAILED):
            return sum(one.score for one in self.checks)
        return self.item.points if self.outcome is Outcome.PASSED else 0.0

    def to_json(self) -> dict[str, Any]:
        """The item's part of `check --json`."""
        return {
            "id": self.item.id,
            "title": self.item.title,
            "outcome": self.outcome.value,
            "score": None if self.outcome is Outcome.UNAVAILABLE else self.score,
            "max_score": self.item.points,
            "message": self.card.text() if self.card else "",
            "seconds": round(self.seconds, 3),
            **({"checks": [_check(one) for one in self.checks]} if self.checks else {}),
        }


def _check(one: CheckResult) -> dict[str, Any]:
    shown = None if one.check.hidden else one.outcome.value
    return {"id": one.check.id, "title": one.check.title, "outcome": shown,
            "max_score": one.check.points, "bonus": one.check.bonus}  # fmt: skip


@dataclass(frozen=True)
class WeekResult:
    """How a week's items ended, in the manifest's order."""

    week: Week
    items: tuple[ItemResult, ...]
    seed: int
    """Every random input of the run follows from it."""
    sandbox: str = "limits"
    """How firmly the student's processes were held: the tier of `sandbox/tiers.py` and what came with it."""
    flags: tuple[str, ...] = ()
    """What an instructor should look at: limits, signals, checks that took very long."""

    @property
    def score(self) -> float:
        """Points earned."""
        return sum(result.score for result in self.items)

    @property
    def max_score(self) -> float:
        """Points of the items that were checked."""
        return sum(result.item.points for result in self.items)

    @property
    def total(self) -> str:
        """The points of the week for people: `7 of 10 points`."""
        if not self.max_score:  # the first green alone was checked
            return FIRST_GREEN if self.passed else f"no {FIRST_GREEN} yet"
        blank = sum(result.item.points for result in self.unavailable)
        text = f"{self.score:g} of {self.max_score:g} points"
        return f"{text}, {blank:g} of them not checked" if blank else text

    @property
    def passed(self) -> bool:
        """Whether every checked item passed."""
        return all(result.outcome is Outcome.PASSED for result in self.items)

    @property
    def grader_errors(self) -> tuple[ItemResult, ...]:
        """Items on which the engine broke."""
        return tuple(one for one in self.items if one.outcome is Outcome.GRADER_ERROR)

    @property
    def unavailable(self) -> tuple[ItemResult, ...]:
        """Items that this machine cannot check."""
        return tuple(one for one in self.items if one.outcome is Outcome.UNAVAILABLE)

    def replaced_by(self, other: Iterable[ItemResult]) -> WeekResult:
        """The same result with the items in `other` in place of ours."""
        newer = {result.item.id: result for result in other}
        items = tuple(newer.get(result.item.id, result) for result in self.items)
        return replace(self, items=items)

    def flagged(self, *others: str) -> WeekResult:
        """The same result with these flags too, each one once."""
        return replace(self, flags=tuple(dict.fromkeys((*self.flags, *others))))

    def to_json(self) -> dict[str, Any]:
        """What `check --json` prints."""
        return {
            "week": self.week.number,
            "score": self.score,
            "max_score": self.max_score,
            "items": [result.to_json() for result in self.items],
        }
