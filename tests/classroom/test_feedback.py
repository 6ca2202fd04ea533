"""Feedback that is sent, and the class page: plots, misconceptions, sections, and no names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.records import Record, Why
from autograder.classroom.intake.roster import Student
from autograder.classroom.output.exports import table
from autograder.classroom.output.feedback import MAX_SUMMARY, mail_merge, markdown, summary
from autograder.classroom.output.plots import failure_rates, score_distribution, time_per_item
from autograder.classroom.output.reports import FEWEST, Pages
from autograder.classroom.policy.late import Policy
from autograder.classroom.policy.misconceptions import misconceptions, section_for
from autograder.classroom.policy.summary import Grade, grade_of, statistics
from bootcamp.course.manifest import Manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from tests.classroom.conftest import EVIL, POLICY
from tests.classroom.test_exports import rows
from tests.classroom.test_reports import read

TITLE = "Week 1: first task"
LESSON = """# Retries
## Why it matters
A jitter is a random wait.
## The idea: wait longer, and add jitter
Add a random jitter, so that clients do not retry in the same second.
## The common mistake
A cap after the draw.
## Questions
What is jitter?
"""


@pytest.fixture
def grade(record: Callable[..., Record], manifest: Manifest) -> Callable[..., Grade]:
    """A grade of a student with these causes on the cards of failed items."""

    def make(student: Student, causes: dict[str, str] | None = None) -> Grade:
        causes = causes or {}
        made = record(student.id, dict.fromkeys(causes, Outcome.FAILED))
        items = []
        for one in made.items:
            why = Why(
                rows=(("came back", EVIL), ("likely cause", causes.get(one.id, ""))),
                log=("```", EVIL),
            )
            items.append(one.model_copy(update={"why": why}) if one.id in causes else one)
        made = made.model_copy(update={"items": tuple(items)})
        return grade_of(student, Policy(), manifest, handed_in=True, record=made)

    return make


def test_markdown_quotes_hostile_text_and_never_becomes_markup(
    grade: Callable[..., Grade], grades: tuple[Grade, ...]
) -> None:
    evil = grade(
        Student("eve", "# Eve\n[click](http://evil) <b>", "=1+1"), {"1.3": "````\n</pre>" + EVIL}
    )
    for one in (evil, *grades):
        text = markdown(one, TITLE)
        assert not {"\x1b", "\u202e"} & set(text)
        page = MarkdownIt("commonmark", {"html": True}).render(text)
        found = read(page)
        assert found.tags <= {"h1", "h2", "p", "strong", "pre", "code", "ul", "li"}
        assert "onload" not in dict(found.attributes)
    words = read(MarkdownIt().render(markdown(evil, TITLE))).words
    assert "# Eve [click](http://evil) <b>: 8 of 10 points" in words
    assert "your log | ```" in words


def test_the_mail_merge_table_is_safe_and_complete(grades: tuple[Grade, ...]) -> None:
    found = rows(table(mail_merge(grades, TITLE)))
    assert [one["points"] for one in found] == ["11.0", "4.0", "0.0", "", ""]
    anna, ben, *_ = found
    assert (anna["subject"], anna["summary"]) == (f"{TITLE}: 11 of 7 points", "")
    assert anna["markdown"] == "feedback/anna.md"
    assert ben["summary"].startswith("1.3 (0/2): ")
    assert all(len(summary(one)) <= MAX_SUMMARY + 40 for one in grades)
    assert not [value for one in found for value in one.values() if value.startswith(("=", "@"))]


def test_plots_are_svg_with_numbers_for_who_cannot_see_them(
    grade: Callable[..., Grade], manifest: Manifest
) -> None:
    class_ = [
        grade(Student(f"s{one}"), {"1.3": "a", "1.4": "b"} if one % 2 else {}) for one in range(8)
    ]
    stats = statistics(class_, manifest)
    for plot in (score_distribution, failure_rates, time_per_item):
        text = plot(stats)
        ElementTree.fromstring(text.replace("<svg", '<svg xmlns:xlink="x"', 1))  # noqa: S314 - made here
        assert "currentColor" in text or "var(--bar)" in text
        assert not re.search("#01020[34]|<script|<metadata|http-equiv", text)
    assert "1.3: 50 %" in failure_rates(stats)
    assert "60–70: 4" in score_distribution(stats)
    assert score_distribution(stats) == score_distribution(stats)


def test_misconceptions_name_the_section_that_answers_them(
    grade: Callable[..., Grade], manifest: Manifest, week: Week
) -> None:
    assert section_for("all retries come in the same second: add jitter", LESSON) == (
        "The idea: wait longer, and add jitter"
    )
    assert section_for("zzzz", LESSON) == section_for("jitter", "") == ""
    same = "the message is published before the row 4711 is written"
    class_ = [
        grade(Student(f"s{one}"), {"1.3": same.replace("4711", str(one))}) for one in range(4)
    ]
    class_ += [grade(Student("alone"), {"1.4": "nobody else did this"})]
    (found,) = misconceptions(week, statistics(class_, manifest))
    assert (found.item, found.students) == ("1.3", 4)
    assert found.lesson == f"lessons/{week.name}/{manifest.item('1.3').lesson}"
    page = read(Pages(week, manifest, POLICY).whole_class(class_, 1)).words
    assert "Most frequent misconceptions" in page
    assert found.lesson in page


def test_a_class_page_without_names(
    grade: Callable[..., Grade], grades: tuple[Grade, ...], week: Week, manifest: Manifest
) -> None:
    class_ = [
        grade(
            Student(
                f"id{one}", f"Name{one}", f"mail{one}@x.org", section="A" if one < FEWEST else "B"
            ),
            {"1.3": "x"},
        )
        for one in range(FEWEST + 1)
    ]
    page = Pages(week, manifest, POLICY).whole_class([*class_, *grades], 815, names=False)
    words = read(page).words
    for secret in ("id1", "Name1", "mail1", "anna", "Anna", "dora", "815", "alert(1)", "Seed"):
        assert secret not in words
    assert "reports/" not in page
    assert "too few to show" in words
    full = read(Pages(week, manifest, POLICY).whole_class(class_, 815)).words
    assert "too few" not in full
    assert "Name1" in full


def test_both_class_pages_and_feedback_are_written(
    week: Week, folder: Callable[..., Path], homework: dict[str, bytes], tmp_path: Path
) -> None:
    folder("submissions/anna", dict(homework))
    assignment = Assignment(week, Options(tmp_path / "submissions", tmp_path / "grades"))
    with assignment.held():
        assignment.publish(assignment.grades())
    for name in (
        "class_without_names.html",
        "class.html",
        "feedback/anna.md",
        "exports/mail_merge.csv",
    ):
        assert (tmp_path / "grades" / name).is_file()
