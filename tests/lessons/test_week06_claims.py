"""What week 6's lessons conclude from numbers that the comparison of outputs leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable

CODE = "lessons/week06_webhooks/code"


def test_a_thousand_polls_bring_one_new_response(output_of: Callable[[str], str]) -> None:
    output = output_of(f"python {CODE}/thousand_polls.py")
    asked = re.search(r"polled ~(\d+) times, and (\d+) response was new", output)
    assert asked and int(asked[1]) >= 1000 and int(asked[2]) == 1


def test_a_limit_for_each_wait_is_none_for_the_whole(output_of: Callable[[str], str]) -> None:
    output = output_of(f"python {CODE}/slow_response.py")
    each, whole = (float(seconds) for seconds in re.findall(r"(\d+\.\d) s", output))
    assert each >= 2.9
    assert 1.0 <= whole < each
