"""A class of sixty, mixed from every shape of export, from submissions to exports without a grader."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.execution import fingerprint
from autograder.classroom.execution.pool import RunJobs
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from tests.classroom.sixty import SHAPES, STUDENTS, Sixty

MAX_SECONDS = 120.0
"""For intake and exports together, on a busy machine."""


@pytest.fixture
def sixty(tmp_path: Path, homework: dict[str, bytes]) -> Sixty:
    return Sixty(tmp_path, lambda number: homework)


def test_sixty_students_from_every_shape_to_every_export(
    sixty: Sixty,
    week: Week,
    answers: Callable[..., RunJobs],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = sixty.options(tmp_path / "grades")
    monkeypatch.setattr(fingerprint, "of_graders", lambda week: "graders")
    failing = {f"s{number:02}": {"1.3": Outcome.FAILED} for number in range(0, STUDENTS, 4)}
    graded: list[str] = []

    def run() -> dict[str, Any]:
        started = time.monotonic()
        assignment = Assignment(week, options)
        with assignment.held():
            taken = time.monotonic()
            list(assignment.grade(assignment.tasks(), answers(failing, graded), 2, 0))
            done = time.monotonic()
            summary = assignment.publish(assignment.grades())
        ended = time.monotonic()
        print(
            f"intake {taken - started:.1f} s, records {done - taken:.1f} s, exports {ended - done:.1f} s"
        )
        assert ended - started < MAX_SECONDS
        return summary

    summary = run()
    assert len(summary["students"]) == STUDENTS
    found: dict[str, list[str]] = {}
    for one in summary["students"]:
        found.setdefault(SHAPES[int(one["id"][1:]) % len(SHAPES)], []).append(one["status"])
    for shape, statuses in found.items():
        kind = shape.split(" ")[0].split("_")[0]
        assert set(statuses) == {
            {"hostile": "refused", "missing": "missing"}.get(kind, "graded")
        }, shape
    assert summary["problems"] == []
    one_group = {one["id"] for one in summary["students"] if one["group"]}
    assert len(one_group & set(graded)) == 1  # a group is graded once
    out = tmp_path / "grades"
    assert not (tmp_path / "outside.py").exists()
    assert (
        len(list((out / "reports").iterdir()))
        == len(list((out / "feedback").iterdir()))
        == STUDENTS
    )
    for name, count in (
        ("scores.csv", 60),
        ("exports/mail_merge.csv", 60),
        ("exports/moodle.csv", 57),
    ):
        assert len(list(csv.DictReader(io.StringIO((out / name).read_text())))) == count
    assert len(json.loads((out / "exports/canvas.json").read_text())["grade_data"]) == 57

    before = len(graded)
    assert run()["changes"] == []
    assert len(graded) == before  # nobody is graded again
