"""What `bootcamp progress` sends a student to, and what `bootcamp up` starts, for one who joins late."""

from __future__ import annotations

import pytest

from bootcamp.course.manifest import load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import all_weeks, find_week
from bootcamp.student import own_layers
from bootcamp.student.overview import ItemOverview, WeekOverview, next_step
from bootcamp.student.progress import ItemProgress, Progress


def overviews(passed: str, begun: str = "") -> tuple[WeekOverview, ...]:
    """All weeks; the numbers say which have passed, and which have a failed check."""
    found = []
    for week in all_weeks():
        number = str(week.number)
        outcome = Outcome.PASSED if number in passed else None
        outcome = Outcome.FAILED if number in begun else outcome
        items = tuple(
            ItemOverview(item, ItemProgress(outcome=outcome), 0)
            for item in load_manifest(week).items
        )
        found.append(WeekOverview(week, items, number in passed, False))
    return tuple(found)


@pytest.mark.parametrize(
    ("passed", "begun", "says"),
    [
        ("", "", "Start week 1:"),
        ("5", "", "Start week 6:"),
        ("15", "", "Start week 6:"),
        ("1", "", "Start week 2:"),
        ("1", "4", "Do item 4.0 in"),
        ("5", "2", "Start week 6:"),
        (
            "56",
            "",
            "Week 6 is the newest week here, and it passed. Week 1 before it is unfinished.",
        ),
        ("123456", "", "Every item passed."),
    ],
)
def test_the_next_unfinished_week_comes_first(passed: str, begun: str, says: str) -> None:
    weeks = tuple(week for week in overviews(passed, begun) if week.week.number <= 6)
    assert next_step(weeks).startswith(says)


@pytest.mark.parametrize(("passed", "begun", "number"), [("5", "", 6), ("1", "4", 4), ("", "", 1)])
def test_up_without_a_week_starts_the_same_one(
    monkeypatch: pytest.MonkeyPatch, passed: str, begun: str, number: int
) -> None:
    items = {f"{one}.1": ItemProgress(outcome=Outcome.PASSED) for one in passed}
    items |= {f"{one}.1": ItemProgress(outcome=Outcome.FAILED) for one in begun}
    monkeypatch.setattr(own_layers, "load", lambda: Progress(items=items))
    monkeypatch.setattr(own_layers, "passed_weeks", lambda: {find_week(one) for one in passed})
    assert own_layers.current_week().number == number
