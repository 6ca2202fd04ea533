"""A patch file as text: a header of our own, then a unified diff on the files of one week."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONTEXT_LINES = 3
"""Unchanged lines around each change, as in `diff -u`."""
NO_FILE = "/dev/null"
_FIRST_FILE = re.compile(r"^--- ", re.MULTILINE)
_NAMED_FILE = re.compile(r"^(?:---|\+\+\+) [ab]/(\S+)", re.MULTILINE)
KINDS = ("wrong", "unlike")
Files = Mapping[str, str]
"""Texts by name."""


@dataclass(frozen=True)
class PatchText:
    """What a patch file holds. The header is kept exactly as its author wrote it."""

    header: str
    diff: str

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the diff names, relative to the week's folder."""
        return tuple(dict.fromkeys(_NAMED_FILE.findall(self.diff)))

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the header by name: `loses`, `story`, `card` and so on."""
        parts = (line.partition(":") for line in self.header.splitlines())
        return {name.strip(): value.strip() for name, _, value in parts}

    def ids(self, field: str) -> tuple[str, ...]:
        """The ids that a field of the header lists; none if it is missing."""
        return tuple(self.fields.get(field, "").replace(",", " ").split())


def patches_of(grader: Path) -> list[Path]:
    """The patches of one week's graders, the wrong solutions first."""
    return [path for kind in KINDS for path in sorted((grader / kind).glob("*.patch"))]


def read_patch(text: str) -> PatchText:
    """Split a patch file into its header and its diff."""
    found = _FIRST_FILE.search(text)
    start = found.start() if found else len(text)
    return PatchText(text[:start], text[start:])


def unified(before: Files, after: Files) -> str:
    """Return the unified diff from `before` to `after`, both by file name.

    A name that is missing in `before` is a new file; one that is missing in `after` is left alone.
    """
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for name in sorted(after)
        for line in difflib.unified_diff(
            lines_of(before.get(name, "")),
            lines_of(after[name]),
            f"a/{name}" if name in before else NO_FILE,
            f"b/{name}",
            n=CONTEXT_LINES,
        )
    )


def lines_of(text: str) -> list[str]:
    """Return the lines with their ends. Only a newline ends a line, as it does for git."""
    return list(io.StringIO(text, newline="\n"))
