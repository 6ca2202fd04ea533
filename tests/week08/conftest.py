"""The reference of weeks 1 to 8: functions in this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week

WEEK = find_week("week08_operations")
LAYERS = reference_layers(WEEK)

for layer in LAYERS:  # for the tests of functions
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))

_of_week_eight: dict[str, ModuleType] = {}
"""The modules of `pipeline` with week 8's wiring. They are imported once: they register metrics."""


def take_modules() -> dict[str, ModuleType]:
    """Take the modules of `pipeline` out of this process, and return them."""
    names = [name for name in sys.modules if name.partition(".")[0] == "pipeline"]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture(scope="module")
def wired_as_in_week_eight() -> Iterator[None]:
    """Import `pipeline` as week 8 wires it. A process that tests several weeks has another wiring.

    For test modules whose functions import `pipeline`. What a module imports at its top is older.
    """
    others, path = take_modules(), list(sys.path)
    sys.path[:0] = [str(layer.path) for layer in LAYERS]
    sys.modules.update(_of_week_eight)
    yield
    _of_week_eight.update(take_modules())
    sys.modules.update(others)
    sys.path[:] = path
