"""How far a student is: the manifests and the progress, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bootcamp.course.hints import ladders
from bootcamp.course.manifest import Item, graded_weeks, load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.student import progress
from bootcamp.student.progress import ItemProgress


@dataclass(frozen=True)
class ItemOverview:
    """One item and what was done about it."""

    item: Item
    done: ItemProgress
    hints: int
    """Steps of all the item's ladders of hints."""

    @property
    def passed(self) -> bool:
        return self.done.outcome is Outcome.PASSED

    @property
    def score(self) -> float:
        """Points of the last check."""
        return self.item.points if self.passed else 0.0

    def to_json(self) -> dict[str, Any]:
        """Give the item's part of `progress --json`."""
        return {
            "id": self.item.id,
            "title": self.item.title,
            "outcome": self.done.outcome,
            "checked_at": self.done.checked_at.isoformat() if self.done.checked_at else None,
            "score": self.score,
            "best_score": self.done.best_score,
            "max_score": self.item.points,
            "hints": self.hints,
            "hints_taken": self.done.all_hints_taken,
            "revealed": self.done.revealed_at is not None,
        }


@dataclass(frozen=True)
class WeekOverview:
    """One week. `changed`: every item passed, but files have changed since."""

    week: Week
    items: tuple[ItemOverview, ...]
    passed: bool
    changed: bool

    @property
    def score(self) -> float:
        """Points of the items that passed their last check."""
        return sum(item.score for item in self.items)

    @property
    def max_score(self) -> float:
        """Points of the week."""
        return sum(item.item.points for item in self.items)

    def to_json(self) -> dict[str, Any]:
        """Give the week's part of `progress --json`."""
        return {
            "week": self.week.number,
            "name": self.week.name,
            "passed": self.passed,
            "changed_since_passed": self.changed,
            "score": self.score,
            "max_score": self.max_score,
            "items": [item.to_json() for item in self.items],
        }


def overview() -> tuple[WeekOverview, ...]:
    """Every week that has homework, in order.

    Raises:
        BootcampError: the progress cannot be read.
    """
    state = progress.load()
    passed, changed = progress.passed_weeks(), progress.changed_weeks()
    return tuple(
        WeekOverview(
            week,
            tuple(
                ItemOverview(item, state.item(item.id), hints_of(week, item))
                for item in load_manifest(week).items
            ),
            week in passed,
            week in changed,
        )
        for week in graded_weeks()
    )


def hints_of(week: Week, item: Item) -> int:
    """Count the steps of all the item's ladders of hints."""
    return sum(len(ladder.hints) for ladder in ladders(week, item))


def next_step(weeks: Sequence[WeekOverview]) -> str:
    """Say what to do next, in one sentence with one command or file.

    A student may join in any week. So the week to work on is the newest one that they have begun,
    then the unfinished one after it. Earlier weeks that they left out come last.
    """
    if not weeks:
        return "There is no homework yet."
    if changed := next((week.week.number for week in weeks if week.changed), None):
        return f"Week {changed} changed since it passed: bootcamp check {changed}"
    newest = max((number for number, week in enumerate(weeks) if _begun(week)), default=0)
    later = next((week for week in weeks[newest:] if not week.passed), None)
    if later is not None:
        return _next_in(later) if _begun(later) else _start(later)
    earlier = next((week for week in weeks if not week.passed), None)
    if earlier is None:
        return "Every item passed. There is nothing left to do."
    done = f"Week {weeks[newest].week.number} is the newest week here, and it passed."
    what = _next_in(earlier) if _begun(earlier) else _start(earlier)
    return f"{done} Week {earlier.week.number} before it is unfinished. {what}"


def _begun(week: WeekOverview) -> bool:
    return any(item.done.outcome is not None for item in week.items)


def _start(week: WeekOverview) -> str:
    return f"Start week {week.week.number}: read exercises/{week.week.name}/README.md"


def _next_in(week: WeekOverview) -> str:
    open_items = [item for item in week.items if not item.passed]
    if not open_items:
        return f"Check the whole week once more: bootcamp check {week.week.number}"
    first = open_items[0]
    where = f"exercises/{week.week.name}/{first.item.files[0]}"
    step = f"Do item {first.item.id} in {where}, then: bootcamp check {first.item.id}"
    if first.done.outcome is None or first.done.all_hints_taken == first.hints:
        return step
    return f"{step}. Stuck? bootcamp hint {first.item.id}"
