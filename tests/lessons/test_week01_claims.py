"""What week 1's lessons conclude from their measurements holds on this machine too."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

CODE = "lessons/week01_first_task/code"


@pytest.fixture
def seconds_of(output_of: Callable[[str], str]) -> Callable[[str], dict[str, float]]:
    """The seconds that a program prints, by the words in front of them."""

    def measure(program: str) -> dict[str, float]:
        lines = output_of(f"python {CODE}/{program}.py")
        found = re.findall(r"^(.+?):?\s+(\d+\.\d+) s$", lines, re.MULTILINE)
        return {words: float(seconds) for words, seconds in found}

    return measure


def test_three_waits_cost_one_wait_in_threads_and_on_a_loop(seconds_of) -> None:
    took = seconds_of("three_waits")
    assert took["one after another"] >= 3.0
    assert 1.0 <= took["in threads"] < took["one after another"] / 2
    assert 1.0 <= took["on one event loop"] < took["one after another"] / 2


def test_a_blocking_call_stops_the_heart_and_a_thread_does_not(seconds_of) -> None:
    took = seconds_of("frozen_loop")
    assert took["frozen:            the longest silence was"] >= 1.0
    assert took["moved_to_a_thread: the longest silence was"] < 0.9


def test_threads_do_not_share_out_a_computation(seconds_of) -> None:
    took = seconds_of("counting")
    assert took["in threads"] >= 0.6 * took["one after another"]


def test_a_producer_that_waits_has_no_use_for_four_slots(seconds_of) -> None:
    took = seconds_of("waiting_producer")
    assert took["wait for each"] >= 2.0
    assert 0.5 <= took["enqueue all"] < took["wait for each"] / 2


def test_time_is_tasks_by_slots(seconds_of) -> None:
    took = seconds_of("slots")
    one, two, four = (took[f"slots: {slots}, time"] for slots in (1, 2, 4))
    assert one >= 4.0
    assert two >= 2.0
    assert four >= 1.0
    assert four < two < one


def test_a_countdown_is_kept_and_nobody_waits_for_it(seconds_of) -> None:
    took = seconds_of("later")
    assert took["written after"] >= 2.0
    assert took["the producer went on after"] < 2.0
