"""A class as it comes, graded in one go: everybody is given what they must be, and nothing breaks.

`make validate` grades thirty of week 5; with `PART`, as in CI, it grades one of each kind, of week 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from autograder.sandbox.tiers import Tier, strongest
from bootcamp import paths
from bootcamp.course.weeks import find_week
from tests.classroom.mixed import KINDS, MixedClass, differences
from tests.parts import missing

DEADLINE = 1_200.0
ONE_OF_EACH = dict.fromkeys(KINDS, 1)


@pytest.mark.validation
def test_everybody_is_given_what_they_must_be(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if strongest() is not Tier.BUBBLEWRAP:
        missing("no bubblewrap that works on this machine: `apt-get install bubblewrap`")
    whole = request.config.getoption("--note-validation") is not None
    week, kinds = ("5", KINDS) if whole else ("1", ONE_OF_EACH)
    mixed = MixedClass(tmp_path, find_week(week), kinds)
    expected = {student: asdict(one) for student, one in mixed.make().items()}
    command = [sys.executable, "-m", "bootcamp", "grade", str(mixed.submissions), "--week", week]
    command += ["--roster", str(mixed.roster), "--policy", str(mixed.policy)]
    command += ["--out", str(tmp_path / "grades"), "-j", "2", "--json"]
    env = {**os.environ, "BOOTCAMP_STATE": str(tmp_path / "state")}
    done = subprocess.run(
        command,
        check=False,
        cwd=paths.ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stderr
    found = differences(expected, json.loads(done.stdout))
    assert not found, "\n".join(found)
    assert not (tmp_path.parent / "escaped.py").exists()
