"""What a homework page announces as red is what `bootcamp check` says of the untouched exercises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring.generate import scaffolds
from bootcamp.authoring.pages import Page
from bootcamp.authoring.transcripts import Step, masked, steps
from bootcamp.course.weeks import Week, all_weeks
from bootcamp.errors import EXIT_FAILED

COLUMNS = "80"


def announced(week: Week) -> list[Step]:
    """The `bootcamp check` of the week's homework page that shows its output."""
    page = week.exercises / "README.md"
    blocks = Page.read(page).blocks("console") if page.is_file() else []
    found = [step for block in blocks for step in steps(block.text)]
    return [
        step for step in found if step.command == f"bootcamp check {week.number}" and step.output
    ]


WEEKS = [week for week in all_weeks() if (week.exercises / "README.md").is_file()]


@pytest.mark.parametrize("week", WEEKS, ids=str)
def test_red_is_what_the_page_announces(week: Week, joined: Path, tmp_path: Path) -> None:
    (step,) = announced(week)
    for file, content in scaffolds(week).items():
        target = tmp_path / "work" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (seed,) = re.findall(r"\(seed (\d+)\)", step.output)  # the same inputs as on the page
    command = ["check", str(week.number), "--from", str(tmp_path / "work"), "--seed", seed]
    done = subprocess.run(
        [sys.executable, "-m", "bootcamp", *command],
        cwd=paths.ROOT,
        env={**os.environ, "COLUMNS": COLUMNS, "BOOTCAMP_STATE": str(joined)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == EXIT_FAILED, done.stderr
    assert masked(done.stdout) == masked(step.output)
