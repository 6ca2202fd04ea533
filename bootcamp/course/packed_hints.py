"""Hints in the student edition: one data file for each week, so that no answer lies open.

`bootcamp release` writes the file, and `bootcamp hint` reads it. Authors write their hints as plain
text. The encoding (JSON, zlib, base64) is no secret: it only keeps a reader of the graders from
seeing an answer by chance.
"""

from __future__ import annotations

import base64
import binascii
import json
import textwrap
import zlib
from collections.abc import Mapping
from pathlib import Path

from bootcamp.course.weeks import Week
from bootcamp.errors import GraderError

FILE = "hints.dat"
"""Stands next to the manifest, in the student edition only."""
PAGES = "hints"
"""The folder of the pages, in the authors' repository only."""


def pack(pages: Mapping[str, str]) -> bytes:
    """Encode the hints of a week: pages by file name."""
    packed = base64.b64encode(zlib.compress(json.dumps(pages).encode(), 9)).decode()
    return "\n".join([*textwrap.wrap(packed, 100), ""]).encode()


def unpack(week: Week) -> dict[str, str]:
    """Read a week's packed hints. Empty where there are none, as in the authors' repository.

    Raises:
        GraderError: the file is damaged.
    """
    path = week.grader / FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(zlib.decompress(base64.b64decode(path.read_bytes())))
    except (ValueError, binascii.Error, zlib.error) as error:
        raise GraderError(
            f"{path} is damaged: {error}", f"Take it from the course: git checkout -- {path}"
        ) from error
    return dict(found)


def page_text(week: Week, page: Path) -> str | None:
    """Return a page of hints, plain or packed. None where the week has no such page."""
    if page.is_file():
        return page.read_text(encoding="utf-8")
    return unpack(week).get(page.name)


def packed_pages(week: Week) -> bytes:
    """Return the content of `FILE`: all pages of a week's hints, by file name."""
    pages = sorted((week.grader / PAGES).glob("*.md"))
    return pack({page.name: page.read_text(encoding="utf-8") for page in pages})
