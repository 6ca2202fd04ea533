"""Where things are. All folders of the course hang below `ROOT`."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LESSONS = ROOT / "lessons"
EXERCISES = ROOT / "exercises"
SOLUTIONS = ROOT / "solutions"
NOTEBOOKS = ROOT / "notebooks"
AUTOGRADER = ROOT / "autograder"
SAMPLES = ROOT / "bootcamp" / "samples"


def state_dir() -> Path:
    """The folder that git ignores: stack state, progress, backups. `BOOTCAMP_STATE` moves it."""
    return Path(os.environ.get("BOOTCAMP_STATE") or ROOT / ".bootcamp")
