"""Lateness: a pure function of two moments and the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.classroom.intake.moments import moment, span
from autograder.classroom.policy.late import Lateness, LateRules, lateness, load_policy
from bootcamp.errors import UsageError

DUE = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
RULES = LateRules(grace_minutes=10, percent_per_day=10, max_percent=25, closes_after_days=7)


def late(after: timedelta, rules: LateRules = RULES) -> Lateness:
    return lateness(DUE, DUE + after, rules)


@pytest.mark.parametrize("after", [timedelta(days=-3), timedelta(0)])
def test_in_time_costs_nothing(after: timedelta) -> None:
    assert late(after) == Lateness()


def test_within_the_grace_is_late_and_free() -> None:
    assert late(timedelta(minutes=10)) == Lateness(minutes=10)


@pytest.mark.parametrize(
    ("after", "days", "percent"),
    [
        (timedelta(minutes=10, seconds=1), 1, 10),
        (timedelta(days=1), 1, 10),
        (timedelta(days=1, seconds=1), 2, 20),
        (timedelta(days=2, seconds=1), 3, 25),
        (timedelta(days=7), 7, 25),
    ],
)
def test_each_day_begun_costs_up_to_the_cap(after: timedelta, days: int, percent: float) -> None:
    found = late(after)
    assert (found.days, found.percent, found.closed) == (days, percent, False)


def test_after_the_cut_off_nothing_is_left() -> None:
    found = late(timedelta(days=7, seconds=1))
    assert found.closed
    assert found.percent == 100


@given(
    st.timedeltas(timedelta(days=-9), timedelta(days=40)),
    st.timedeltas(timedelta(0), timedelta(days=9)),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_later_never_costs_less(
    after: timedelta, more: timedelta, per_day: float, most: float
) -> None:
    rules = LateRules(
        grace_minutes=30, percent_per_day=per_day, max_percent=most, closes_after_days=20
    )
    first, second = late(after, rules), late(after + more, rules)
    assert 0 <= first.percent <= second.percent <= 100


def policy(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return path


def test_a_due_moment_is_meant_in_the_classs_zone_also_over_a_change_of_clocks(
    tmp_path: Path,
) -> None:
    text = 'timezone = "Europe/Berlin"\ndue = 2026-10-24T23:59:00\n[late]\npercent_per_day = 10\n'
    found = load_policy(policy(tmp_path, text), ["1.1"])
    assert found.due_moment == datetime(2026, 10, 24, 21, 59, tzinfo=UTC)
    # The clocks go back that night: 23:59 the next day is 25 hours later, so a second day begins.
    next_day = moment("2026-10-25T23:59", ZoneInfo("Europe/Berlin"))
    assert lateness(found.due_moment, next_day, found.late).days == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("due = tomorrow", "Cannot read the policy"),
        ('timezone = "Europe/Atlantis"', "no time zone"),
        ("[late]\npercent_per_week = 5", "late.percent_per_week"),
        ("[late]\npercent_per_day = 101", "late.percent_per_day"),
        ('extra_items = ["9.9"]', "9.9"),
    ],
)
def test_a_wrong_policy_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_policy(policy(tmp_path, text), ["1.1"])


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27T23:00Z",
        "2026-11-27 23:00 UTC",
        "2026-11-28T00:00+01:00",
        "2026-11-28 00:00",
        "2026-11-28 00:00:00.0 Europe/Berlin",
    ],
)
def test_moments_as_people_and_tools_write_them(text: str) -> None:
    assert moment(text, ZoneInfo("Europe/Berlin")) == DUE


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2026-13-01", "2026-11-27 12:00 Nowhere/Land", "5"),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00+14:00"),  # UTC has none of them
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no moment|no time zone|no year"):
        moment(text, ZoneInfo("UTC"))


def test_lengths_of_time() -> None:
    found = [span("2d"), span("36H"), span(" 90m ")]
    assert found == [timedelta(days=2), timedelta(hours=36), timedelta(minutes=90)]
    for text in ("2", "d", "two days", "-1d", "nand", "999999d", "infd"):
        with pytest.raises(ValueError, match=r"length of time|between"):
            span(text)
