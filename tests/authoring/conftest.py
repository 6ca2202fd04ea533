"""A small course in a git repository of its own: two weeks, and patches on the second."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from autograder.validation.refresh import Refreshed, refresh

RETRY = '''"""Waits between tries."""

import random

LIMIT = 60.0


def wait(attempt: int) -> float:
    """Seconds to wait."""
    # BEGIN SOLUTION 5.1
    # ? Double the wait.
    # ? Cap it.
    longest = 2.0**attempt
    longest = min(longest, LIMIT)
    return random.uniform(0, longest)
    # END SOLUTION


def spread(count: int) -> list[float]:
    """One wait for each."""
    return [wait(number) for number in range(count)]
'''
JOB = '''"""A job."""

STATES = ("pending", "completed")


def finished(state: str) -> bool:
    """Whether nothing more happens."""
    return state == "completed"
'''
NO_CAP = """loses: 5.1
story:  Never caps the wait.
card: cap
--- a/pipeline/retry.py
+++ b/pipeline/retry.py
@@ -11,7 +11,6 @@
     # ? Double the wait.
     # ? Cap it.
     longest = 2.0**attempt
-    longest = min(longest, LIMIT)
     return random.uniform(0, longest)
     # END SOLUTION
\x20
"""
MANIFEST = '[[items]]\nid = "{week}.1"\n'


class Course:
    """The repository, and what tests do to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.retry = self.path("solutions/week05_tiny/pipeline/retry.py")
        self.patch = self.path("autograder/week05_tiny/wrong/no_cap.patch")

    def path(self, name: str) -> Path:
        return self.root / name

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text, encoding="utf-8")

    def change(self, old: str, new: str) -> None:
        """Change the solution of week 5."""
        text = self.retry.read_text(encoding="utf-8")
        assert old in text
        self.retry.write_text(text.replace(old, new), encoding="utf-8")

    def git(self, *words: str) -> None:
        name = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        subprocess.run(["git", *name, *words], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--message", "A change")

    def refresh(self, *, base: str = "HEAD", dry_run: bool = False) -> Refreshed:
        """What became of the one patch."""
        weeks = sorted(folder.name for folder in self.path("autograder").iterdir())
        state = self.path(".bootcamp")
        (found,) = refresh(self.root, weeks, state=state, base=base, dry_run=dry_run)
        return found

    def patched(self, week: str = "week05_tiny", patch: Path | None = None) -> Path:
        """The week's solutions as the patch makes them."""
        folder = self.root.parent / "patched"
        subprocess.run(["cp", "-R", str(self.path(f"solutions/{week}")), str(folder)], check=True)
        text = (patch or self.patch).read_bytes()
        subprocess.run(["git", "apply", "-"], cwd=folder, input=text, check=True)
        return folder


@pytest.fixture
def course(tmp_path: Path) -> Course:
    made = Course(tmp_path / "course")
    made.write("solutions/week04_job/pipeline/job.py", JOB)
    made.write("solutions/week05_tiny/pipeline/retry.py", RETRY)
    made.write("autograder/week04_job/manifest.toml", MANIFEST.format(week=4))
    made.write("autograder/week05_tiny/manifest.toml", MANIFEST.format(week=5))
    made.write("autograder/week05_tiny/wrong/no_cap.patch", NO_CAP)
    made.write(".gitignore", ".bootcamp/\n")
    made.git("init", "--quiet")
    made.commit()
    return made
