"""What week 5's lessons conclude from their numbers follows from them, and the picture shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from bootcamp.authoring.pages import Page
from bootcamp.course.weeks import find_week

WEEK = find_week("week05_retries")
PICTURE = re.compile(r"^ +(bar|line) (\[.*\])$", re.MULTILINE)
ROW = re.compile(r"^(\w+): +(\d+) +(\d+) +(\d+) +second (\d+)$", re.MULTILINE)


@pytest.fixture
def herd(output_of: Callable[[str], str]) -> str:
    return output_of("python lessons/week05_retries/code/backoff_herd.py")


def test_the_picture_of_the_herd_shows_what_the_program_prints(herd: str) -> None:
    (picture,) = Page.read(WEEK.lessons / "02_backoff_and_jitter.md").blocks("mermaid")
    drawn = {kind: json.loads(values) for kind, values in PICTURE.findall(picture.text)}
    printed = [
        [int(count) for count in text.split()] for text in re.findall(r"second 1 to 20: (.*)", herd)
    ]
    assert printed == [drawn["line"], drawn["bar"]]


def test_jitter_spreads_the_herd_and_doubling_alone_does_not(herd: str) -> None:
    found = {name: [int(one) for one in rest] for name, *rest in ROW.findall(herd)}
    worst, rings, _, last = zip(*(found[one] for one in ("doubling", "full_jitter")), strict=True)
    assert worst[0] == found["fixed"][0] > 3 * worst[1]
    assert rings[0] == found["fixed"][1] > 2 * rings[1]
    assert last[0] > 360 > 10 * last[1]
