"""A class of week 1 over a broker, with two real workers of which one is killed in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autograder.bench.local_workers import LocalWorkers
from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution import celery_app as names
from autograder.classroom.execution.pool import run_jobs
from autograder.classroom.execution.publisher import AT_ONCE
from autograder.process import wait
from autograder.sandbox.tiers import strongest
from autograder.validation.variants import build, load_variants
from bootcamp import paths
from bootcamp.course.weeks import Week

DEADLINE = 250.0
VISIBILITY = 90
SEED = 4711


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalWorkers]:
    with LocalWorkers(tmp_path / "broker", VISIBILITY) as local:
        yield local


@pytest.fixture
def submissions(tmp_path: Path, week: Week) -> Path:
    """The reference, the scaffold and two wrong solutions."""
    folder = tmp_path / "submissions"
    wrong = [one for one in load_variants(week) if not one.correct]
    for number, variant in enumerate((wrong[0], wrong[-1])):
        build(variant, folder / f"wrong{number}")
    for name, source in (("right", week.solutions), ("scaffold", week.exercises)):
        for path in source.rglob("*.py"):
            target = folder / name / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


def outcomes(assignment: Assignment) -> dict[str, Any]:
    """Everything in the records that does not depend on who graded, and when."""
    found = {}
    for path in assignment.results.folder.glob("*.json"):
        record = json.loads(path.read_bytes())
        items = [(one["id"], one["outcome"], one["score"]) for one in record["items"]]
        found[record["student"]] = (record["key"], items)
    return found


def test_two_workers_of_which_one_is_killed_grade_like_the_local_pool(
    local: LocalWorkers, submissions: Path, week: Week, tmp_path: Path
) -> None:
    assert os.environ.get("GRADING_KEY") is None
    redis = names.connect(local.broker)
    publisher = local.publisher()
    starts = names.starts_key(publisher._run)
    assignment = Assignment(week, Options(submissions, tmp_path / "far", seed=SEED))
    victim = local.start()
    with assignment.held():
        steps = assignment.grade(assignment.tasks(), publisher, AT_ONCE, 1)
        with closing(steps):
            records = [next(steps).record]
            wait.until(lambda: b"1" in redis.hvals(starts), DEADLINE)  # in the middle of the next
            victim.kill()
            local.start()
            records += [step.record for step in steps]
    assert len(records) == 4
    assert len({record.sandbox.rpartition(", on ")[2] for record in records}) == 2

    near = Assignment(week, Options(submissions, tmp_path / "near", seed=SEED))
    with near.held():
        steps = near.grade(near.tasks(), lambda jobs, n: run_jobs(jobs, n, strongest()), 2, 1)
        assert len(list(steps)) == 4
    assert outcomes(assignment) == outcomes(near)


@pytest.mark.long
def test_a_worker_reads_no_pickle_and_stops_if_it_has_other_graders(
    local: LocalWorkers,
    submissions: Path,
    week: Week,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    publisher = local.publisher(said.append)
    marker = tmp_path / "run by a pickle"
    publisher._app.send_task(names.TASK, [_Evil(str(marker))], serializer="pickle")
    worker = local.start()
    monkeypatch.setattr(
        "autograder.classroom.execution.publisher.of_graders", lambda week: "0" * 64
    )
    monkeypatch.setattr("autograder.classroom.execution.publisher.SILENT_SECONDS", 15.0)
    assignment = Assignment(week, Options(submissions, tmp_path / "out", seed=SEED))
    with assignment.held(), pytest.raises(Exception, match="No worker has said anything"):
        list(assignment.grade(assignment.tasks(), publisher, AT_ONCE, 0))
    assert worker.wait(DEADLINE) == 2
    assert any("was refused: its graders of week01_first_task are" in one for one in said)
    assert not marker.exists()


class _Evil:
    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self._path),)


@pytest.mark.parametrize("command", ["grade", "grade-worker"])
def test_wrong_words_are_errors_with_a_next_step(command: str, tmp_path: Path) -> None:
    places = [str(tmp_path), "--week", "1", "--out", str(tmp_path / "out")] * (command == "grade")
    words = [
        sys.executable,
        "-m",
        "bootcamp",
        command,
        *places,
        "--broker",
        "redis://127.0.0.1:1/0",
    ]
    words += ["--allow-unsandboxed"]
    env = {name: value for name, value in os.environ.items() if name != "GRADING_KEY"}
    for key, expected in (("", "needs a key"), ("k" * 32, "No Redis can be used")):
        done = subprocess.run(
            words,
            check=False,
            cwd=paths.ROOT,
            env={**env, "GRADING_KEY": key},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 2
        assert expected in done.stderr
        assert "Traceback" not in done.stderr
