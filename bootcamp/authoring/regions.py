"""Generated parts of files that people write otherwise.

A region begins on the line after one with `generated: NAME` and ends before one with
`end generated`, in the comments of its language:

    <!-- generated: weeks -->
    …
    <!-- end generated -->
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bootcamp.errors import BootcampError


def fill(text: str, bodies: Mapping[str, str], where: str) -> str:
    """Put each body into the region of its name.

    Raises:
        BootcampError: `where`, the file's name, has a region too few or too many.
    """
    for name, body in bodies.items():
        region = re.compile(
            rf"(^.*\bgenerated: {re.escape(name)}\b.*\n)(?:.*\n)*?(.*\bend generated\b.*$)",
            re.MULTILINE,
        )
        found = region.findall(text)
        if len(found) != 1:
            raise BootcampError(
                f"{where} has {len(found)} regions `generated: {name}`, and must have one.",
                "bootcamp/authoring/regions.py shows how a region looks.",
            )
        text = region.sub(lambda match, body=body: f"{match[1]}{body}{match[2]}", text)  # type: ignore[misc]
    return text


def without_marks(text: str) -> str:
    """Return a Markdown text without the lines that mark regions."""
    return re.sub(r"^<!-- (?:end )?generated.*-->\n+", "", text, flags=re.MULTILINE)
