"""The pipeline's layers for the lessons' own programs.

In the student edition an open week has no reference, so its layer is the student's own code. A program
that starts it before it is written would wait for processes that cannot work. It ends at once instead.
"""

from __future__ import annotations

import re
import sys

from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.files import files_in

UNWRITTEN = re.compile(r"^\s*raise NotImplementedError\(\"(\d+\.\d+)\"\)", re.MULTILINE)
"""What the scaffold leaves in place of an answer."""


def lesson_layers(number: str, *needs: str) -> tuple[Layer, ...]:
    """Return the layers on which a lesson's program runs. End the program if one is not written.

    Args:
        number: the week whose pipeline runs, such as "4".
        needs: the items that the program uses. All items of all layers if left out.

    Raises:
        SystemExit: an item that the program uses is unwritten; names it and says what to do.
    """
    layers = reference_layers(find_week(number))
    missing = sorted(
        {item for layer in layers for item in unwritten(layer) if not needs or item in needs},
        key=lambda item: tuple(map(int, item.split("."))),
    )
    if missing:
        first, is_one = missing[0], len(missing) == 1
        items = f"item {first} is" if is_one else f"items {', '.join(missing)} are"
        sys.exit(
            f"This program runs your own code, and {items} not written yet.\n"
            f"Write {'it' if is_one else 'them'} first (`bootcamp check {first}`). "
            "The page shows what the program prints then."
        )
    return layers


def unwritten(layer: Layer) -> set[str]:
    """Return the items that are unwritten in a layer of the student's own."""
    if layer.source is not Source.STUDENT:
        return set()
    found: set[str] = set()
    for file in files_in(layer.path / "pipeline"):
        if file.suffix == ".py":
            text = (layer.path / "pipeline" / file).read_text(encoding="utf-8", errors="replace")
            found.update(UNWRITTEN.findall(text))
    return found
