"""`.bootcamp/patches`: what a person edits where a patch could not be carried over by itself.

    .bootcamp/patches/week05_retries/wrong/no_jitter/before/week05_retries/pipeline/….py
    .bootcamp/patches/week05_retries/wrong/no_jitter/after/week05_retries/pipeline/….py

`before` is the solution at the time, `after` what the tool made of it. A person edits `after`.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from autograder.validation.carry import Outcome
from autograder.validation.git_tools import read_files, write_files
from autograder.validation.patch_file import Files
from bootcamp.files import write_atomic

LAST_TREE = "last-tree"
_MARKER = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)


class Workspace:
    """The folder with the files to edit, and the tree that the last run saw."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def last_tree(self) -> str:
        """The id of the solutions' tree at the last run; empty where there was none."""
        path = self.folder / LAST_TREE
        return path.read_text(encoding="ascii").strip() if path.is_file() else ""

    def keep_tree(self, tree: str) -> None:
        """Record the tree for the next run."""
        write_atomic(self.folder / LAST_TREE, f"{tree}\n".encode())

    def keep(self, patch: Path, outcome: Outcome, today: Files) -> Path | None:
        """Write the files to edit. Returns the one to open, or None where there is none."""
        place = self._place(patch)
        if not _begun(place):
            self.drop(patch)
            write_files(place / "after", outcome.after)
            write_files(place / "before", {n: today[n] for n in outcome.after if n in today})
            (place / "written").write_text(_hash(outcome.after)) if outcome.after else None
        file = place / "after" / outcome.file
        return file if file.is_file() else None

    def edited(self, patch: Path) -> tuple[Files, Files] | None:
        """The files before and after an edit that is finished; None where there is none."""
        place = self._place(patch)
        after = read_files(place / "after")
        if not _begun(place) or any(_MARKER.search(text) for text in after.values()):
            return None
        return read_files(place / "before"), after

    def drop(self, patch: Path) -> None:
        """Remove the files of a patch that is carried now."""
        shutil.rmtree(self._place(patch), ignore_errors=True)

    def _place(self, patch: Path) -> Path:
        """`autograder/week05_retries/wrong/no_jitter.patch` has its folder by these three names."""
        return self.folder.joinpath(*patch.with_suffix("").parts[1:])


def _begun(place: Path) -> bool:
    """Whether somebody has changed what was written for a patch."""
    written = place / "written"
    return written.is_file() and written.read_text() != _hash(read_files(place / "after"))


def _hash(files: Files) -> str:
    joined = "\0".join(f"{name}\0{text}" for name, text in sorted(files.items()))
    return hashlib.sha256(joined.encode()).hexdigest()
