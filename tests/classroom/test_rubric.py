"""The rubric of a week: what the file must say, who may read it, and what it does not change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.classroom.execution import fingerprint
from autograder.classroom.policy.rubric import FILE, Rubric, load_rubric
from bootcamp import paths
from bootcamp.authoring import release
from bootcamp.course.manifest import graded_weeks
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import UsageError

GOOD = """
[[criteria]]
id = "naming"
title = "Naming"
asks = "Are names clear?"
levels = [{ points = 1.5, text = "They are." }, { points = 0, text = "They are not." }]
"""
RUBRICS = {week: rubric for week in graded_weeks() if (rubric := load_rubric(week))}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Week:
    """A week whose graders' folder is empty."""
    monkeypatch.setattr(paths, "AUTOGRADER", tmp_path)
    (tmp_path / "week05_tiny").mkdir()
    return Week(5, "week05_tiny")


def test_a_rubric_of_any_week(tiny: Week) -> None:
    assert load_rubric(tiny) is None
    (tiny.grader / FILE).write_text(GOOD)
    rubric = load_rubric(tiny)
    assert rubric and rubric.max_points == 1.5
    (naming,) = rubric.criteria
    assert [naming.level_text(points) for points in (1.5, 1.0, 0.0)] == [
        "They are.",
        "Between two levels.",
        "They are not.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("points = 1.5", "points = 0", "the points of its levels must go down, and end with 0"),
        ("points = 1.5", "points = -1", "criteria.0.levels.0.points"),
        ("points = 1.5", "points = inf", "criteria.0.levels.0.points"),
        ("points = 0", "points = 0.5", "must go down, and end with 0"),
        ('{ points = 0, text = "They are not." }', "", "criteria.0.levels: Tuple should have"),
        ('id = "naming"', 'id = "9.1"', "criteria.0.id"),
        ("asks", "ask", "criteria.0.ask: Extra inputs"),
        ('title = "Naming"', 'title = ""', "criteria.0.title"),
        (GOOD, GOOD + GOOD, "two criteria have the id naming"),
        (GOOD, "", "criteria: Field required"),
        (GOOD, "criteria = ", "Cannot read the rubric"),
        ("Naming", "\udcff", "Cannot read the rubric"),
    ],
)
def test_a_wrong_rubric_says_where(tiny: Week, old: str, new: str, words: str) -> None:
    (tiny.grader / FILE).write_bytes(GOOD.replace(old, new).encode(errors="surrogateescape"))
    with pytest.raises(UsageError) as found:
        load_rubric(tiny)
    assert words in str(found.value)
    assert str(tiny.grader / FILE) in str(found.value)


def test_week_9_has_four_criteria_and_the_earlier_weeks_have_none() -> None:
    assert [week.number for week in RUBRICS] == [9]
    rubric = RUBRICS[find_week("9")]
    ids = [one.id for one in rubric.criteria]
    assert ids == ["structure", "naming", "own_tests", "design_note"]
    assert rubric.max_points == 8


@pytest.mark.parametrize(("week", "rubric"), RUBRICS.items(), ids=str)
def test_the_homework_page_says_what_the_rubric_says(week: Week, rubric: Rubric) -> None:
    path = week.exercises / "README.md"
    if not path.is_file():
        pytest.skip(f"{week} has no homework page yet")
    page = " ".join(path.read_text(encoding="utf-8").replace("`", "").split())
    assert "## Graded by a person" in page
    for one in rubric.criteria:
        for text in (one.title, one.asks, *(level.text for level in one.levels)):
            assert text in page, one.id


def test_students_get_the_rubric() -> None:
    file, weeks = f"autograder/week09_news/{FILE}", (find_week("9"),)
    assert release._belongs(file, weeks, ())
    assert not release._belongs(file, (find_week("8"),), ())


def test_a_new_wording_grades_nobody_again(tiny: Week, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "weeks_through", lambda week: ())
    before = fingerprint.of_graders(tiny)
    (tiny.grader / FILE).write_text(GOOD)
    assert fingerprint.of_graders(tiny) == before
    shutil.copy(tiny.grader / FILE, tiny.grader / "manifest.toml")
    assert fingerprint.of_graders(tiny) != before
