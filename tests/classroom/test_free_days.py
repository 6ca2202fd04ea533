"""Late days as a budget over the term: as few as help, earlier weeks first, kept per week."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from autograder.classroom.execution.records import Record
from autograder.classroom.intake.roster import Student
from autograder.classroom.policy.free_days import FreeDays
from autograder.classroom.policy.late import LateRules, Policy, load_policy, with_free_days
from autograder.classroom.policy.summary import Grade, Status, grade_of
from bootcamp.course.manifest import Manifest
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import BootcampError, UsageError
from tests.classroom.conftest import DUE

RULES = LateRules(percent_per_day=10, max_percent=30, closes_after_days=5)


@pytest.mark.parametrize(
    ("hours", "free", "used", "percent"),
    [
        (-1, 3, 0, 0),
        (1, 3, 1, 0),
        (25, 3, 2, 0),
        (25, 1, 1, 10),
        (25, 0, 0, 20),
        (4.5 * 24, 1, 0, 30),  # one day would not help: the cap holds with it and without
        (4.5 * 24, 3, 3, 20),
        (5.5 * 24, 1, 1, 30),  # it opens what is closed
        (9 * 24, 3, 0, 100),
    ],
)
def test_as_few_days_as_help(hours: float, free: int, used: int, percent: float) -> None:
    late, taken = with_free_days(DUE, DUE + timedelta(hours=hours), RULES, free)
    assert (taken, late.percent) == (used, percent)
    assert late.minutes == max(hours * 60, 0)


def test_within_the_grace_no_day_is_taken() -> None:
    rules = LateRules(percent_per_day=10, grace_minutes=15)
    assert with_free_days(DUE, DUE + timedelta(minutes=15), rules, 3)[1] == 0


def used(**days: int) -> list[Grade]:
    return [
        Grade(Student(name), Status.GRADED, 10.0, free_days=count) for name, count in days.items()
    ]


def test_weeks_share_the_budget_and_earlier_weeks_come_first(tmp_path: Path) -> None:
    rules = LateRules(free_days=3, free_days_folder=str(tmp_path / "late"))
    first, second = find_week("1"), find_week("2")
    FreeDays(rules, second).keep(used(anna=2, ben=0))
    assert json.loads((tmp_path / "late" / f"{second.name}.json").read_text()) == {"anna": 2}
    week1 = FreeDays(rules, first)
    assert week1.left("anna") == 3
    (problem,) = week1.problems(used(anna=2))
    assert "anna: this week and later ones take more than 3 late days" in problem
    week1.keep(used(anna=2))
    assert FreeDays(rules, second).left("anna") == 1
    FreeDays(rules, first).keep(used(ben=1))  # anna could not be read this time
    assert FreeDays(rules, second).left("anna") == 1
    (tmp_path / "late" / f"{first.name}.json").write_text("[1]")
    with pytest.raises(BootcampError, match="Cannot read the late days"):
        FreeDays(rules, second)


def test_the_policy_names_the_folder_beside_itself(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[late]\nfree_days = 4\n")
    with pytest.raises(UsageError, match="free_days needs free_days_folder"):
        load_policy(path, ())
    path.write_text('[late]\nfree_days = 4\nfree_days_folder = "late_days"\n')
    assert load_policy(path, ()).late.free_days_folder == str(tmp_path / "late_days")


def test_the_grade_says_what_was_used(
    record: Callable[..., Record], manifest: Manifest, week: Week
) -> None:
    policy = Policy(due=DUE, late=RULES)
    late = DUE + timedelta(hours=1)
    grade = grade_of(
        Student("anna"),
        policy,
        manifest,
        handed_in=True,
        record=record(),
        submitted=late,
        free_days=3,
    )
    assert (grade.penalty, grade.free_days, grade.free_days_left) == (0.0, 1, 2)
    without = grade_of(
        Student("anna"), policy, manifest, handed_in=True, record=record(), submitted=late
    )
    assert (without.penalty, without.free_days_left) == (1.0, None)
    refused = grade_of(
        Student("anna"), policy, manifest, handed_in=True, submitted=late, refused="x", free_days=3
    )
    assert (refused.final, refused.free_days, refused.free_days_left) == (0.0, 0, 3)
    missing = grade_of(
        Student("anna"), policy, manifest, handed_in=False, submitted=late, free_days=3
    )
    assert (missing.free_days, missing.free_days_left) == (0, 3)
