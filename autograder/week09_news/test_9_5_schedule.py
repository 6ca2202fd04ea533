"""9.5: what Beat sends, and how long a feed that fails waits."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail
from autograder.week09_news.feed_calls import settings

pytestmark = pytest.mark.item("9.5")

NEWS = "pipeline.tasks.news"
TASKS = {
    "pipeline.news_tick": "news_tick_seconds",
    "pipeline.news_summarise": "news_summarise_seconds",
    "pipeline.news_trends": "news_trends_seconds",
    "pipeline.news_digest": "news_digest_seconds",
}


def number(value: Any) -> float | None:
    """A number in an answer."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else None


def test_entries(student: Student, rng: Random) -> None:
    """a, b: four entries with the intervals of the settings, whose messages expire by then."""
    numbers = rng.sample(range(20, 900), len(TASKS))
    wanted = {name: float(one) + 0.5 for name, one in zip(TASKS.values(), numbers, strict=True)}
    with settings(student, **wanted):
        found = student.call(NEWS, "news_entries")
    sent = f"news_entries() with {', '.join(f'{k.upper()}={v:g}' for k, v in wanted.items())}"
    entries = list(found.values()) if isinstance(found, dict) else []
    by_task = {one.get("task"): one for one in entries if isinstance(one, dict)}
    if sorted(map(str, by_task)) != sorted(TASKS) or len(entries) != len(TASKS):
        fail(sent=sent, expected=f"one entry for each of {', '.join(TASKS)}", got=found)
    for task, name in TASKS.items():
        every = by_task[task].get("schedule")
        if number(every) != wanted[name]:
            cause = f"the interval of {task} is the setting {name.upper()}"
            expected = f"{task} every {wanted[name]:g} seconds, a number"
            fail(sent=sent, expected=expected, got=every, cause=cause)
        options = by_task[task].get("options")
        expires = options.get("expires") if isinstance(options, dict) else None
        if number(expires) != wanted[name]:
            fail(
                sent=sent,
                expected=f"`expires` of {task} in `options`: {wanted[name]:g}",
                got=options,
                cause="messages pile up while no worker runs, unless each of them expires",
            )


def test_beat_knows_both_weeks(student: Student) -> None:
    """a: the entries are added to those of week 8."""
    schedule = student.read(NEWS, "app.conf.beat_schedule")
    entries = list(schedule.values()) if isinstance(schedule, dict) else []
    tasks = {one.get("task") for one in entries if isinstance(one, dict)}
    if missing := sorted({*TASKS, "pipeline.sweep", "pipeline.clean_up"} - tasks):
        cause = "an entry has a name that another entry has too"
        fail(sent="the schedule of Beat", expected=f"also {missing[0]}", got=schedule, cause=cause)


def test_pauses(student: Student, rng: Random) -> None:
    """f: the pause doubles with each failure, up to the cap, however many there are."""
    interval = rng.randint(100, 200)
    for doublings in (4, 9, 14):
        cap = interval * 2**doublings - rng.randint(1, 50)
        with settings(student, news_interval_seconds=interval, news_backoff_cap_seconds=cap):
            for failures in (1, 2, 3, doublings - 1, doublings, doublings + 1, 40, 5000, 10**7):
                wanted = cap if failures >= doublings else interval * 2**failures
                sent = (
                    f"pause_after({failures}) with NEWS_INTERVAL_SECONDS={interval},"
                    f" NEWS_BACKOFF_CAP_SECONDS={cap}"
                )
                found = student.call(NEWS, "pause_after", failures)
                if number(found) != wanted:
                    cause = "the interval, doubled for each failure, and at most the cap"
                    fail(sent=sent, expected=f"{wanted}", got=found, cause=cause)
