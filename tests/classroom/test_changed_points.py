"""What changed since the last run: shown before it is written, and both results are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from autograder.classroom.assignment import PROPOSED, Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution import fingerprint
from autograder.classroom.execution.grading import Step
from autograder.classroom.execution.pool import RunJobs
from autograder.classroom.execution.records import EARLIER, Record
from autograder.classroom.policy.changes import HISTORY, Change, compare
from bootcamp.cli.grade_class import _line, _show
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError

Answers = Callable[..., RunJobs]
FAILED = {"anna": {"1.3": Outcome.FAILED}}


@pytest.fixture
def grade(
    week: Week, folder: Callable[..., Path], homework: dict[str, bytes], tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    """Grade anna and ben without a grader, and give what `grades.json` would hold."""
    for name in ("anna", "ben"):
        folder(f"submissions/{name}", dict(homework))

    def do(run: RunJobs, **options: Any) -> dict[str, Any]:
        asked = Options(tmp_path / "submissions", tmp_path / "grades", **options)
        assignment = Assignment(week, asked)
        with assignment.held():
            list(assignment.grade(assignment.tasks(), run, 1, 0))
            return assignment.publish(assignment.grades())

    return do


def files(place: Path) -> dict[str, bytes]:
    found = {str(one.relative_to(place)): one for one in place.rglob("*") if one.is_file()}
    return {
        name: path.read_bytes() for name, path in found.items() if not name.startswith(PROPOSED)
    }


def test_a_dry_run_shows_changes_and_the_next_run_takes_them_over(
    grade: Callable[..., dict[str, Any]],
    answers: Answers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = grade(answers(FAILED))
    assert first["changes"] == []
    out, before = tmp_path / "grades", files(tmp_path / "grades")
    monkeypatch.setattr(fingerprint, "of_graders", lambda week: "corrected")

    graded: list[str] = []
    dry = grade(answers(graded=graded), dry_run=True)
    (change,) = dry["changes"]
    assert (change["student"], change["before"], change["after"]) == ("anna", 8.0, 10.0)
    assert change["items"] == ["1.3 failed → passed"]
    assert files(out) == before
    assert graded == ["anna", "ben"]

    done = grade(answers(FAILED, graded))
    assert graded == ["anna", "ben"]  # nobody is graded twice
    assert done["changes"] == dry["changes"]
    assert not (out / PROPOSED).exists()
    (kept,) = (out / EARLIER / "anna").iterdir()
    assert Record.model_validate_json(kept.read_bytes()).scores["1.3"] == 0
    assert not (out / EARLIER / "ben").exists()  # same points
    assert "anna: 8 → 10 (1.3 failed → passed)" in (out / "class.html").read_text()

    again = grade(answers(graded=graded))
    assert again["changes"] == []
    assert len(json.loads((out / HISTORY).read_text())) == 1
    assert "anna: 8 → 10" in (out / "class.html").read_text()


def test_a_trial_gives_nothing_to_a_run_that_does_not_ask_for_it(
    grade: Callable[..., dict[str, Any]], answers: Answers, tmp_path: Path
) -> None:
    """One student is graded again after a trial of all: the others keep what they have."""
    grade(answers())
    class_file = tmp_path / "grades" / "class.json"
    before = class_file.read_bytes()
    lost = {"anna": {"1.3": Outcome.FAILED}, "ben": {"1.3": Outcome.FAILED}}
    dry = grade(answers(lost), dry_run=True, regrade=("1.3",), seed=5)
    assert len(dry["changes"]) == 2
    assert class_file.read_bytes() == before  # the seed of a trial is not kept
    done = grade(answers(), regrade=("anna",))
    assert done["changes"] == []
    assert not (tmp_path / "grades" / PROPOSED).exists()


def test_a_trial_of_graders_that_were_changed_back_is_dropped(
    grade: Callable[..., dict[str, Any]], answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    grade(answers())
    with monkeypatch.context() as patch:
        patch.setattr(fingerprint, "of_graders", lambda week: "a bad idea")
        assert grade(answers(FAILED), dry_run=True)["changes"]
    assert grade(answers(FAILED))["changes"] == []


def test_a_dry_run_of_one_item_is_not_graded_again(
    grade: Callable[..., dict[str, Any]], answers: Answers
) -> None:
    grade(answers(FAILED))
    graded: list[str] = []
    dry = grade(answers(graded=graded), dry_run=True, regrade=("1.3",))
    done = grade(answers(FAILED, graded), regrade=("1.3",))
    assert graded == ["anna", "ben"]
    assert done["changes"] == dry["changes"] != []
    grade(answers(FAILED, graded), regrade=("1.3",))
    assert graded == ["anna", "ben"] * 2


def test_a_changed_rule_changes_points_too(
    grade: Callable[..., dict[str, Any]], answers: Answers, tmp_path: Path
) -> None:
    grade(answers())
    (tmp_path / "policy.toml").write_text('extra_items = ["1.5"]')
    (tmp_path / "roster.csv").write_text("id,bonus\nanna,2\nben,\n")
    changes = grade(answers(), roster=tmp_path / "roster.csv")["changes"]
    assert [(one["student"], one["before"], one["after"]) for one in changes] == [("anna", 10, 12)]


def test_new_points_and_lost_points_are_changes_and_new_students_are_not() -> None:
    old: list[dict[str, Any]] = [
        {"id": "a", "final": None, "items": {}},
        {"id": "b", "final": 3, "items": {"1.1": "failed"}},
    ]
    new: list[dict[str, Any]] = [
        {"id": "a", "final": 7.5, "items": {"1.1": "passed"}},
        {"id": "b", "final": None, "items": {"1.1": "grader_error"}},
        {"id": "c", "final": 1, "items": {}},
    ]
    texts = [one.text for one in compare({"students": old}, new)]
    assert texts == ["a: blank → 7.5", "b: 3 → blank (1.1 failed → grader_error)"]
    assert compare({}, new) == ()
    assert Change(student="a\n\x1b[2J", before=0, after=1).text == "a ·: 0 → 1"


def test_a_damaged_history_is_an_error_in_words(
    grade: Callable[..., dict[str, Any]], answers: Answers, tmp_path: Path
) -> None:
    grade(answers())
    (tmp_path / "grades" / HISTORY).write_text("{")
    with pytest.raises(BootcampError, match="Cannot read the changes of earlier runs"):
        grade(answers())


def test_the_screen_names_changes_and_broken_items(
    grade: Callable[..., dict[str, Any]],
    answers: Answers,
    record: Callable[..., Record],
    tmp_path: Path,
) -> None:
    grade(answers(FAILED))
    (tmp_path / "roster.csv").write_text("id,bonus\nanna,1\nben,\n")
    options = Options(tmp_path / "submissions", tmp_path / "grades", dry_run=True)
    summary = grade(answers(), roster=tmp_path / "roster.csv", dry_run=True)
    console = Console(record=True, width=200, file=(tmp_path / "screen").open("w"))
    _show(console, summary, options)
    text = console.export_text()
    assert "Changed since the last run: 1 of 2." in text
    assert "anna: 8 → 9" in text
    assert "without --dry-run" in text
    broken = record("ben", {"1.3": Outcome.GRADER_ERROR})
    assert str(_line(Step(broken, True))) == (
        "ben  7.5 s  grader broke on item 1.3: it will be tried again"
    )
    assert str(_line(Step(record("ben"), False))) == "ben  10/10  7.5 s"
