"""Find code that went to another file: where its old lines stand today, exactly once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from autograder.validation.patch_file import lines_of

CONTEXTS = (3, 2, 1)
"""Lines around a change that must have moved with it; the more, the surer."""
LEAST_LINES = 3
"""Fewer lines than this say too little about where they belong."""
SHIFTS = (0, -4, 4)
"""Columns by which the indentation of moved code may have changed."""


def apply_where_it_went(
    before: str, after: str, today: Mapping[str, str]
) -> tuple[str, str] | None:
    """Make the change from `before` to `after` where its lines are today.

    Returns: the file's name and its new text, or None where no file has all the lines exactly once.
    """
    for context in CONTEXTS:
        changes = list(_changes(lines_of(before), lines_of(after), context))
        if any(old.count("\n") < LEAST_LINES for old, _ in changes):
            continue
        found = [
            (name, new_text)
            for name, text in today.items()
            if (new_text := _replaced(text, changes)) is not None
        ]
        if len(found) == 1:
            return found[0]
    return None


def _replaced(text: str, changes: list[tuple[str, str]]) -> str | None:
    for shift in SHIFTS:
        new = text
        for old_lines, new_lines in changes:
            old = _shifted(old_lines, shift)
            if old is None or new.count(old) != 1 or not _whole_lines(new, old):
                break
            new = new.replace(old, _shifted(new_lines, shift) or new_lines)
        else:
            return new
    return None


def _whole_lines(text: str, part: str) -> bool:
    start = text.index(part)
    return start == 0 or text[start - 1] == "\n"


def _changes(before: list[str], after: list[str], context: int) -> Iterator[tuple[str, str]]:
    """Each changed place with the lines around it: as it was, and as it becomes."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes(context):
        first, last = group[0], group[-1]
        yield "".join(before[first[1] : last[2]]), "".join(after[first[3] : last[4]])


def _shifted(text: str, columns: int) -> str | None:
    """Indent all lines; None where a line has too little indentation to take away."""
    if columns >= 0:
        return "".join(" " * columns + line if line.strip() else line for line in lines_of(text))
    lines = lines_of(text)
    if any(line.strip() and not line.startswith(" " * -columns) for line in lines):
        return None
    return "".join(line[-columns:] if line.strip() else line for line in lines)
