"""Tables that instructors write: CSV files, read whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.classroom.intake.names import shown
from bootcamp.errors import UsageError

MAX_TABLE_BYTES = 4 * 1024 * 1024
MAX_LISTED = 20
"""Errors or changes that are listed."""


@dataclass(frozen=True)
class Head:
    """The columns that a table needs, all that it may have, and where to get such a file."""

    needed: tuple[str, ...]
    known: tuple[str, ...]
    fix: str = ""


def text_of(path: Path, what: str = "table") -> str:
    """The text of a table.

    Args:
        what: what the message calls it.

    Raises:
        UsageError: it cannot be read, is no UTF-8, or is too large.
    """
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise UsageError(f"The {what} {path} is larger than {MAX_TABLE_BYTES} bytes.")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        fix = "Save it as CSV in UTF-8."
        raise UsageError(f"Cannot read the {what} {path}: {error}.", fix) from None


def delimiter_of(text: str) -> str:
    """What ends a cell: a comma, or a semicolon as some spreadsheets write."""
    first = text.partition("\n")[0]
    return ";" if first.count(";") > first.count(",") else ","


def read_cells(path: Path, head: Head) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table with the lines that they start in.

    Raises:
        UsageError: it is no such table.
    """
    text = text_of(path)
    delimiter = delimiter_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    start = 1
    try:
        for row in reader:
            if not header:
                header = _header(row, path, head)
            elif any(one.strip() for one in row):
                if len(row) != len(header):
                    raise UsageError(
                        f"{path} line {start}: it has {len(row)} cells, and the first line "
                        f"{len(header)}.",
                        f'Put a comment that contains "{delimiter}" in double quotes.',
                    )
                yield start, dict(zip(header, map(str.strip, row), strict=True))
            start = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path} line {start}: {error}.") from None
    if not header:
        raise UsageError(f"The table {path} is empty.")


def _header(row: list[str], path: Path, head: Head) -> list[str]:
    names = [one.strip().lower() for one in row]
    missing = [one for one in head.needed if one not in names]
    odd = [shown(one) for one in names if one not in head.known or names.count(one) > 1]
    if missing or odd:
        what = f"missing: {', '.join(missing)}" if missing else f"unknown or twice: {odd}"
        raise UsageError(
            f"{path} line 1: its columns are wrong, {what}.",
            f"It needs the columns {', '.join(head.needed)}. {head.fix}".rstrip(),
        )
    return names


def listed(lines: list[str]) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - MAX_LISTED
    return lines[:MAX_LISTED] + ([f"  and {more} more"] if more > 0 else [])
