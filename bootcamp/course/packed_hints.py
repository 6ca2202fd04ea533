"""Hints in the student edition: one data file for each week, so that no answer lies open.

`bootcamp release` writes the file, and `bootcamp hint` reads it. Authors write their hints as plain
text. The encoding (JSON, zlib, base64) is no secret: it only keeps a reader of the graders from
seeing an answer by chance.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import textwrap
import tomllib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError, GraderError

FILE = "hints.dat"
"""Stands next to the manifest, in the student edition only."""
PAGES = "hints"
"""The folder of the pages that a week of format 2 has."""
_HINTS = re.compile(r"^hints = \[\n(?:.*\n)*?\]\n", re.MULTILINE)


def pack(texts: Mapping[str, Any]) -> bytes:
    """Encode the hints of a week: lists of texts by item, or pages by file name."""
    packed = base64.b64encode(zlib.compress(json.dumps(texts).encode(), 9)).decode()
    return "\n".join([*textwrap.wrap(packed, 100), ""]).encode()


def unpack(week: Week) -> dict[str, Any]:
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


def with_hints(week: Week, manifest: dict[str, Any]) -> dict[str, Any]:
    """Put packed hints of format 1 back into the items of a manifest."""
    if manifest.get("format", 1) == 1 and (packed := unpack(week)):
        for item in manifest.get("items", ()):
            item["hints"] = packed.get(item.get("id"), [])
    return manifest


def released(week: Week) -> dict[str, bytes]:
    """Return the manifest without hints and the packed hints, by file name.

    Raises:
        BootcampError: the hints stand in the manifest in a form that cannot be cut out.
    """
    text = (week.grader / "manifest.toml").read_text(encoding="utf-8")
    items = tomllib.loads(text)["items"]
    texts: dict[str, Any] = {item["id"]: item["hints"] for item in items if "hints" in item}
    for page in sorted((week.grader / PAGES).glob("*.md")):
        texts[page.name] = page.read_text(encoding="utf-8")
    bare = _HINTS.sub("", text)
    if any("hints" in item for item in tomllib.loads(bare)["items"]):
        raise BootcampError(
            f"The hints of {week} cannot be cut out of manifest.toml.",
            "Write them as a list with one text on each line: hints = [",
        )
    return {"manifest.toml": bare.encode(), FILE: pack(texts)}
