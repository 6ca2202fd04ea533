"""The blob store's folder, read and written past the student's code."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from autograder.sandbox.disk import entries, read_below, write_below
from bootcamp.stack import Run

__all__ = ["entries", "read_below", "stored", "write_below"]


def stored(run: Run) -> dict[str, int]:
    """Every file in the blob folder and its size. Half-written ones are in `.partial`."""
    found = {}
    for entry, _ in entries(run.blob_folder):
        with suppress(FileNotFoundError):  # it was renamed meanwhile
            if entry.is_file(follow_symlinks=False):
                name = Path(entry.path).relative_to(run.blob_folder).as_posix()
                found[name] = entry.stat(follow_symlinks=False).st_size
    return found
