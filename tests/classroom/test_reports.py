"""Pages: right numbers, and nothing that a student wrote is ever run or believed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution import fingerprint
from autograder.classroom.execution.records import Record, Why
from autograder.classroom.intake.roster import Student
from autograder.classroom.output.reports import Pages, duration
from autograder.classroom.policy.late import Policy
from autograder.classroom.policy.summary import Grade, Status, grade_of, statistics, uneven
from bootcamp.cli.grade_class import exit_code
from bootcamp.course.manifest import Manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from tests.classroom.conftest import DUE, EVIL, POLICY

MakeRecord = Callable[..., Record]
MakeFolder = Callable[..., Path]


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
        assert not re.search(r"url\((?!#)|@import|https?:", text)
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
    assert "50–60: 1" in words
    assert page.count("<svg") == 3


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


def test_equal_files_with_unequal_results_are_told(record: MakeRecord, manifest: Manifest) -> None:
    """Equal files get equal inputs: who lost an item there was wronged, or the other was favoured."""

    def grade(student: str, *lost: str, **facts: str) -> Grade:
        kept = record(student, dict.fromkeys(lost, Outcome.FAILED), **facts)
        return grade_of(Student(student), POLICY, manifest, handed_in=True, record=kept)

    unequal = grade("anna"), grade("ben", "1.3"), grade("cleo", "1.4", submission="others")
    (told,) = uneven(unequal)
    assert told.startswith("anna and ben handed in equal files and differ in 1.3:")
    assert not uneven((grade("anna", "1.3"), grade("ben", "1.3")))
    broken = record("dora", {"1.3": Outcome.GRADER_ERROR})
    unknown = grade_of(Student("dora"), POLICY, manifest, handed_in=True, record=broken)
    assert not uneven((grade("anna"), unknown))


def test_the_class_page_and_the_json_tell_of_unequal_results(
    record: MakeRecord, week: Week, homework: dict[str, bytes], folder: MakeFolder, tmp_path: Path
) -> None:
    for student in ("anna", "ben"):
        folder(f"handed-in/{student}", dict(homework))
    assignment = Assignment(week, Options(tmp_path / "handed-in", tmp_path / "grades"))
    with assignment.held():
        for entry in assignment.entries:
            assert entry.intake
            files = fingerprint.of_submission(entry.intake.files)
            lost = {"1.3": Outcome.FAILED} if entry.id == "ben" else {}
            assignment.results.save(record(entry.id, lost, submission=files))
        told = assignment.publish(assignment.grades())["problems"]
    assert told == [
        "anna and ben handed in equal files and differ in 1.3: grade them again (--regrade)"
    ]
    assert "anna and ben handed in equal files" in (tmp_path / "grades/class.html").read_text()


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


def test_durations() -> None:
    assert [duration(one) for one in (0.2, 59, 61, 1500)] == [
        "1 min",
        "59 min",
        "1 h 1 min",
        "1 d 1 h",
    ]
