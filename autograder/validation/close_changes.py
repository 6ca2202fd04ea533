"""Merge changes that stand close to each other: `git merge-file` calls neighbours a conflict."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from autograder.validation.patch_file import lines_of


@dataclass(frozen=True, order=True)
class _Edit:
    """Lines `start` up to `end` of the base become `lines`."""

    start: int
    end: int
    lines: tuple[str, ...]

    def meets(self, other: _Edit) -> bool:
        """Whether both change the same lines, or insert at the same place."""
        if self.start == self.end == other.start == other.end:
            return True
        return self.start < other.end and other.start < self.end


def merge_close_changes(current: str, base: str, other: str) -> str | None:
    """Make both changes of `base`, or return None where they change the same lines."""
    ours, theirs = set(_edits(base, current)), set(_edits(base, other))
    if any(one.meets(two) for one in ours - theirs for two in theirs - ours):
        return None
    lines = lines_of(base)
    for edit in sorted(ours | theirs, reverse=True):
        lines[edit.start : edit.end] = edit.lines
    return "".join(lines)


def _edits(before: str, after: str) -> list[_Edit]:
    old, new = lines_of(before), lines_of(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [
        _Edit(start, end, tuple(new[first:last]))
        for tag, start, end, first, last in matcher.get_opcodes()
        if tag != "equal"
    ]
