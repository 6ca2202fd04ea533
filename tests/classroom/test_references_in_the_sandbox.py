"""What students are graded in must not be in the way of right code: the reference of each week."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.classroom import pool
from autograder.classroom.intake import store, take
from autograder.classroom.trees import FolderTree
from autograder.classroom.worker import Job
from autograder.engine.manifest import graded_weeks, load_manifest
from autograder.engine.outcome import Outcome
from autograder.engine.sandbox import Tier, strongest
from bootcamp.weeks import Week
from tests.parts import missing

SEED = 4711


@pytest.mark.parametrize("week", graded_weeks(), ids=str)
def test_the_reference_gets_full_marks(week: Week, tmp_path: Path) -> None:
    if strongest() is not Tier.BUBBLEWRAP:
        missing("no bubblewrap that works on this machine: `apt-get install bubblewrap`")
    store(take(FolderTree(week.solutions), week), tmp_path)
    items = tuple(item.id for item in load_manifest(week).items)
    job = Job("reference", str(week.number), tmp_path, items, SEED)
    ((_, answer),) = pool.run_jobs([job], 1, strongest())
    assert not answer.problem, answer.problem
    assert {one.id: one.outcome for one in answer.items} == dict.fromkeys(items, Outcome.PASSED), [
        (one.id, one.why) for one in answer.items
    ]
