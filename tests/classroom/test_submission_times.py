"""When a submission came: zones as exports name them, and times that nobody understands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.intake.moments import moment
from bootcamp.course.weeks import Week

Make = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "zone", "hour"),
    [
        ("2026-11-20 22:59:00.000000 PST", "America/Los_Angeles", 6),
        ("2026-07-20 22:59:00.000000 PST", "America/Los_Angeles", 6),
        ("2026-07-20 22:59:00.000000 PDT", "America/Los_Angeles", 5),
        ("2026-07-20 22:59:00 CEST", "Europe/Berlin", 20),
        ("2026-07-20 22:59:00 CET", "Europe/Berlin", 21),
        ("2026-07-20 22:59:00 BST", "Europe/London", 21),
        ("2026-07-20 22:59:00 IST", "Asia/Kolkata", 17),
        ("2026-07-20 22:59:00.000000 +03", "Asia/Riyadh", 19),
        ("2026-07-20 22:59:00 -0800", "UTC", 6),
        ("2026-07-20 22:59:00 Europe/Berlin", "UTC", 20),
    ],
)
def test_zones_as_timestamps_name_them(text: str, zone: str, hour: int) -> None:
    assert moment(text, ZoneInfo(zone)).hour == hour


@pytest.mark.parametrize("text", ["2026-11-20 22:59:00.000000 PST", "yesterday", "", "\xff"])
def test_a_time_that_nobody_understands_costs_nothing_and_is_named(
    folder: Make, homework: dict[str, bytes], week: Week, tmp_path: Path, text: str
) -> None:
    files = {f"anna/{name}": content for name, content in homework.items()}
    place = folder("all", {**files, "anna/timestamp.txt": text.encode("latin-1")})
    policy = tmp_path / "policy.toml"
    policy.write_text(
        "timezone = 'Europe/Berlin'\ndue = 2020-11-20T23:00:00\n[late]\npercent_per_day = 10\n"
    )
    roster = tmp_path / "roster.csv"
    roster.write_text("id,submitted\nanna,\n")
    assignment = Assignment(week, Options(place, tmp_path / "out", roster, policy))
    with assignment.held():
        (grade,) = assignment.grades()
        assert grade.submitted is None
        assert grade.late.percent == 0
        assert any("anna: when it came is unclear" in one for one in assignment.all_problems())
    roster.write_text("id,submitted\nanna,2020-11-20T22:00\n")
    assignment = Assignment(week, Options(place, tmp_path / "told", roster, policy))
    with assignment.held():
        assert assignment.grades()[0].submitted == datetime(2020, 11, 20, 21, tzinfo=UTC)
        assert not assignment.all_problems()
