"""Pages and exports: right numbers, and nothing that a student wrote is ever run or believed."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from jsonschema import Draft202012Validator

from autograder.classroom.exports import (
    GRADER_BROKE,
    classroom,
    gradescope,
    lms_csv,
    scores_csv,
)
from autograder.classroom.late import LateRules, Policy
from autograder.classroom.records import Record, Why
from autograder.classroom.reports import Pages, duration
from autograder.classroom.roster import Student
from autograder.classroom.summary import Grade, Status, grade_of, statistics
from autograder.engine.manifest import Manifest
from autograder.engine.outcome import Outcome
from bootcamp.cli.grade import exit_code
from bootcamp.weeks import Week

MakeRecord = Callable[..., Record]
DUE = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
POLICY = Policy(due=DUE, late=LateRules(percent_per_day=10), extra_items=("1.5",))
EVIL = '</dd><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\x1b[2J\u202e" onload="x'

GRADESCOPE_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": {"type": "number", "minimum": 0},
        "execution_time": {"type": "number", "minimum": 0},
        "output": {"type": "string"},
        "output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "test_output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "test_name_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
        "stdout_visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
        "extra_data": {"type": "object"},
        "leaderboard": {"type": "array"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "score": {"type": "number"},
                    "max_score": {"type": "number"},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "name_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": {
                        "enum": ["hidden", "after_due_date", "after_published", "visible"]
                    },
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
    "anyOf": [{"required": ["score"]}, {"required": ["tests"]}],
}
CLASSROOM_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "status", "tests"],
    "properties": {
        "version": {"const": 3},
        "status": {"enum": ["pass", "fail", "error"]},
        "max_score": {"type": "number"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "status", "score"],
                "properties": {
                    "name": {"type": "string"},
                    "status": {"enum": ["pass", "fail", "error"]},
                    "message": {"type": ["string", "null"]},
                    "score": {"type": "number"},
                    "duration": {"type": "number"},
                    "filename": {"type": "string"},
                    "line_no": {"type": "integer"},
                },
            },
        },
    },
}


@pytest.fixture
def grades(record: MakeRecord, manifest: Manifest) -> tuple[Grade, ...]:
    """A small class: full marks with extra, a partial and late one, refused, missing, broken."""

    def grade(student: Student, **facts: object) -> Grade:
        return grade_of(student, POLICY, manifest, **{"handed_in": True, **facts})  # type: ignore[arg-type]

    failed = record("ben", {"1.3": Outcome.FAILED, "1.5": Outcome.SKIPPED}, EVIL)
    broken = record("emil", {"1.4": Outcome.GRADER_ERROR})
    late = DUE + timedelta(days=1, hours=1)
    return (
        grade(Student("anna", "Anna", bonus=1.0), record=record(), submitted=DUE),
        grade(Student("ben", EVIL, section="=1+1"), record=failed, submitted=late, notes=(EVIL,)),
        grade(Student("=cmd|' /C calc'!A0"), refused=EVIL),
        grade(Student("dora", "Dora"), handed_in=False),
        grade(Student("emil"), record=broken, submitted=DUE),
    )


def test_what_each_status_is_worth(grades: tuple[Grade, ...]) -> None:
    anna, ben, refused, dora, emil = grades
    assert anna.max_score == 7.0
    assert (anna.score, anna.extra, anna.penalty, anna.final) == (7.0, 3.0, 0.0, 11.0)
    assert (ben.score, ben.extra, ben.late.percent) == (5.0, 0.0, 20.0)
    assert (ben.penalty, ben.final) == (1.0, 4.0)
    assert (refused.status, refused.final) == (Status.REFUSED, 0.0)
    assert (dora.status, dora.final) == (Status.MISSING, None)
    assert (emil.status, emil.final) == (Status.GRADER_ERROR, None)
    assert (exit_code(grades), exit_code(grades[:4])) == (3, 0)


def test_a_due_moment_and_an_extension_of_ones_own(record: MakeRecord, manifest: Manifest) -> None:
    when = DUE + timedelta(days=3)
    for student in (
        Student("a", extension=timedelta(days=3)),
        Student("a", due=DUE + timedelta(days=2), extension=timedelta(days=1)),
    ):
        found = grade_of(student, POLICY, manifest, handed_in=True, record=record(), submitted=when)
        assert found.penalty == 0.0
    on_time = grade_of(
        Student("a"), POLICY, manifest, handed_in=True, record=record(), submitted=when
    )
    assert on_time.late.days == 3


class Reader(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_pages_show_what_students_wrote_and_never_run_it(
    grades: tuple[Grade, ...], week: Week, manifest: Manifest
) -> None:
    pages = Pages(week, manifest, POLICY)
    texts = [pages.student(grade) for grade in grades]
    texts.append(pages.whole_class(grades, 815, [EVIL]))
    for text in texts:
        page = read(text)
        assert not page.tags & {"script", "img", "iframe", "object", "form", "base"}
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        links = [value or "" for name, value in page.attributes if name in ("href", "src")]
        assert not [link for link in links if not re.fullmatch(r"reports/[\w.@%-]+\.html", link)]
        assert not re.search(r"url\(|@import|https?:", text)
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script>alert(1)</script>" in read(texts[1]).words
    assert "{{ 7*7 }}" in read(texts[1]).words


def test_a_students_page_says_what_it_must_and_no_more(
    grades: tuple[Grade, ...], week: Week, manifest: Manifest
) -> None:
    pages = Pages(week, manifest, POLICY)
    anna, ben, refused, dora, emil = [read(pages.student(grade)).words for grade in grades]
    assert "11 of 7 points" in anna
    assert "4 of 7 points" in ben
    assert "Late by 1 d 1 h" in ben
    assert "your log | " in ben
    assert "could not be taken" in refused
    assert "Nothing handed in" in dora
    assert "no zero" in emil
    for page in (anna, ben, emil):
        assert "4711" not in page  # the seed


def test_a_students_page_says_why_an_item_was_not_checked(
    record: MakeRecord, week: Week, manifest: Manifest
) -> None:
    outcomes = {"1.5": Outcome.SKIPPED}
    kept = record("anna", outcomes, "not checked: it builds on 1.3")
    grade = grade_of(Student("anna"), Policy(), manifest, handed_in=True, record=kept)
    words = read(Pages(week, manifest, Policy()).student(grade)).words
    assert words.count("not checked: it builds on 1.3") == 1
    assert "What to look at" not in words


def test_the_class_page_has_every_number(
    grades: tuple[Grade, ...], week: Week, manifest: Manifest
) -> None:
    page = Pages(week, manifest, POLICY).whole_class(grades, 815, ["mallory: nobody knows"])
    words = read(page).words
    assert "5 students: 2 graded, 1 refused, 1 missing, 1 grader error" in words
    assert "mallory: nobody knows" in words
    assert "815; each" in words
    assert words.count("4711") == 3
    assert "none (3)" in words
    assert page.count("<rect") == 10


def test_statistics(grades: tuple[Grade, ...], manifest: Manifest) -> None:
    found = statistics(grades, manifest)
    assert found.finals == (11.0, 4.0, 0.0)
    assert found.histogram == (1, 0, 0, 0, 0, 1, 0, 0, 0, 1)
    assert found.hardest is not None
    assert found.hardest.item.id in ("1.3", "1.4", "1.5")
    by_id = {one.item.id: one for one in found.items}
    assert by_id["1.3"].outcomes == {Outcome.PASSED: 2, Outcome.FAILED: 1}
    assert by_id["1.5"].messages == (("builds on an item that did not pass", 1),)
    assert statistics((), manifest).mean is None


def test_the_same_reason_with_other_numbers_counts_together(
    record: MakeRecord, manifest: Manifest
) -> None:
    grades = [
        grade_of(
            Student(name),
            Policy(),
            manifest,
            handed_in=True,
            record=record(name, {"1.3": Outcome.FAILED}, f"waited {number} s for 'task {name}'"),
        )
        for name, number in (("a", 3), ("b", 4.5))
    ]
    messages = {one.item.id: one.messages for one in statistics(grades, manifest).items}
    assert messages["1.3"] == (("waited … s for …", 2),)


def test_of_code_that_does_not_load_the_error_is_the_reason(
    record: MakeRecord, manifest: Manifest
) -> None:
    kept = record("anna", {"1.3": Outcome.NOT_GRADABLE})
    why = Why(rows=(("came back", "SyntaxError"), ("likely cause", "the line above")), log=())
    items = tuple(one.model_copy(update={"why": why}) for one in kept.items)
    kept = kept.model_copy(update={"items": items})
    grade = grade_of(Student("anna"), Policy(), manifest, handed_in=True, record=kept)
    messages = {one.item.id: one.messages for one in statistics([grade], manifest).items}
    assert messages["1.3"] == (("SyntaxError", 1),)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_files(grades: tuple[Grade, ...], manifest: Manifest, week: Week) -> None:
    anna, ben, refused, dora, emil = rows(scores_csv(grades, manifest))
    assert (anna["final"], anna["1.5"], anna["extra"], anna["bonus"]) == (
        "11.0",
        "3.0",
        "3.0",
        "1.0",
    )
    assert (ben["score"], ben["penalty"], ben["late_minutes"]) == ("5.0", "1.0", "1500.0")
    assert (refused["final"], dora["final"], emil["final"]) == ("0.0", "", "")
    assert (emil["1.4"], emil["1.1"], dora["score"]) == ("", "2.0", "")
    points = [row[week.name] for row in rows(lms_csv(grades, week.name))]
    assert points == ["11.0", "4.0", "0.0"]  # a blank would be 0 in Moodle: no row at all
    for text in (scores_csv(grades, manifest), lms_csv(grades, week.name)):
        for row in csv.reader(io.StringIO(text, newline="")):
            for value in row:
                assert not value.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert "\x1b" not in text


def test_canvas_takes_the_csv_for_learning_platforms(
    record: MakeRecord, manifest: Manifest
) -> None:
    """By the rules of Canvas's own importer: canvas-lms, lib/gradebook_importer.rb."""
    people = (Student("4711", "Alt, Anna", "anna@example.org", "A"), Student("ben"))
    grades = [
        grade_of(one, POLICY, manifest, handed_in=True, record=record(one.id)) for one in people
    ]
    (head, anna, ben) = csv.reader(io.StringIO(lms_csv(grades, "week01"), newline=""))
    assert "Student" in head[0]
    assert "ID" in head[1]
    assert re.search(r"SIS\s+User\s+ID", head[2])
    assert re.search(r"SIS\s+Login\s+ID", head[3])
    assert "Section" in head[4]
    assert head[5:] == ["week01"]  # all that follows would be an assignment
    assert anna == ["Alt, Anna", "", "4711", "anna@example.org", "A", "10.0"]
    assert ben == ["", "", "ben", "ben", "", "10.0"]


def test_gradescope_results_fit_their_published_fields(grades: tuple[Grade, ...]) -> None:
    for grade in grades:
        result = json.loads(json.dumps(gradescope(grade)))
        Draft202012Validator(GRADESCOPE_SCHEMA).validate(result)
        assert result.get("score") == grade.final
    ben = gradescope(grades[1])
    assert ben["output"] == "Points taken off for lateness: 1."
    assert [one["score"] for one in ben["tests"]] == [2.0, 1.0, 0.0, 2.0, 0.0]
    assert ben["tests"][2]["output_format"] == "text"  # never as HTML
    assert ben["extra_data"] == {"penalty": 1.0, "bonus": 0.0, "sandbox": "none"}


def test_github_classroom_results_fit_their_published_fields(grades: tuple[Grade, ...]) -> None:
    results = [json.loads(base64.b64decode(classroom(grade))) for grade in grades]
    for result in results:
        Draft202012Validator(CLASSROOM_SCHEMA).validate(result)
    assert [one["status"] for one in results] == ["pass", "fail", "fail", "fail", "error"]
    assert sum(test["score"] for test in results[1]["tests"]) == 5.0
    assert results[1]["max_score"] == 10.0


def test_the_reporter_of_github_classroom_prints_nothing_that_a_student_wrote(
    record: MakeRecord, manifest: Manifest
) -> None:
    """It prints an error's message into a log in which lines can be commands to the runner."""
    ids = [item.id for item in manifest.items]
    forged = 'x\n::notice title=Autograding report::{"totalPoints":99}' * 10_000
    for outcome in (Outcome.GRADER_ERROR, Outcome.FAILED):
        shouting = record("ben", dict.fromkeys(ids, outcome), forged)
        grade = grade_of(Student("ben"), POLICY, manifest, handed_in=True, record=shouting)
        text = classroom(grade)
        assert len(text) < 128 * 1024  # Linux takes no longer environment variable
        assert "Autograding report" not in base64.b64decode(text).decode()
        messages = {one["message"] for one in json.loads(base64.b64decode(text))["tests"]}
        assert messages == ({GRADER_BROKE} if outcome is Outcome.GRADER_ERROR else {None})


def test_durations() -> None:
    assert [duration(one) for one in (0.2, 59, 61, 1500)] == [
        "1 min",
        "59 min",
        "1 h 1 min",
        "1 d 1 h",
    ]
