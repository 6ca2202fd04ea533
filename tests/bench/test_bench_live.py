"""Streams and polling are measured with the same changes, and a small load loses nothing."""

from __future__ import annotations

import pytest

from bootcamp.bench import live
from bootcamp.stack import Run
from bootcamp.stack.apps import Apps


@pytest.mark.long
def test_both_ways_see_the_changes(run: Run) -> None:
    load = {"owners": 2, "streams": 2, "changes": 10, "seconds": 2}
    with Apps(run.environment(), live.layers(), workers=0) as apps:
        streamed = live.watch(apps, run, mode="events", **load)
        polled = live.watch(apps, run, mode="poll", **load)
    assert streamed["lost"] == 0
    assert len(streamed["delays"]) == 10 * 2 * 2  # changes a second, seconds, streams of an owner
    assert polled["requests"] >= 4 and polled["delays"]
    assert live.middle_and_p95(streamed["delays"])[0] < live.middle_and_p95(polled["delays"])[0]


def test_no_delays_are_no_success() -> None:
    assert live.middle_and_p95([]) == (float("inf"), float("inf"))
