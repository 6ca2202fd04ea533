"""Every lesson has its parts, in order; every index says what is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring.pages import Page
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week, all_weeks

PARTS = (
    "You will be able to",
    "Why it matters",
    "The failure first",
    "The idea",
    "The code",
    "The common mistake",
    "Questions",
)
CHECK_PARTS = ("Know", "Understand", "Apply", "Analyse", "Create")
FRONT = re.compile(r"^\*Week (\d+) · lesson (\d+) · (\d+) minutes\*$", re.MULTILINE)
LAST_LINE = re.compile(r"^Next: \[[^\]]+\]\(([^)]+)\)$")


@dataclass(frozen=True)
class Lesson:
    """One lesson's page, with what its front line says."""

    page: Page
    week: Week

    def __str__(self) -> str:
        return f"{self.week}/{self.page.path.name}"

    @property
    def number(self) -> int:
        return int(self.page.path.name[:2])

    @property
    def minutes(self) -> int:
        front = FRONT.search(self.page.text)
        assert front, "The line below the title says: *Week 1 · lesson 2 · 20 minutes*"
        return int(front[3])

    @property
    def title(self) -> str:
        return self.page.headings(1)[0]

    @property
    def is_check(self) -> bool:
        return self.page.path.stem.endswith("_check_yourself")


def lessons_of(week: Week) -> list[Lesson]:
    return [Lesson(Page.read(path), week) for path in sorted(week.lessons.glob("[0-9]*.md"))]


WEEKS = [week for week in all_weeks() if week.lessons.is_dir()]
LESSONS = [lesson for week in WEEKS for lesson in lessons_of(week)]
HOMEWORK = [week for week in WEEKS if (week.exercises / "README.md").is_file()]
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=str)
each_week = pytest.mark.parametrize("week", WEEKS, ids=str)


@each_lesson
def test_lesson_has_one_title_and_its_front_line(lesson: Lesson) -> None:
    assert len(lesson.page.headings(1)) == 1
    front = FRONT.search(lesson.page.text)
    assert front, "The line below the title says: *Week 1 · lesson 2 · 20 minutes*"
    assert (int(front[1]), int(front[2])) == (lesson.week.number, lesson.number)
    assert int(front[3]) > 0


@each_lesson
def test_lesson_has_its_parts_in_order(lesson: Lesson) -> None:
    expected = CHECK_PARTS if lesson.is_check else PARTS
    found = [heading.partition(":")[0] for heading in lesson.page.headings(2)]
    assert found == list(expected)


@each_lesson
def test_lesson_has_one_picture_and_code(lesson: Lesson) -> None:
    if not lesson.is_check:
        assert len(lesson.page.blocks("mermaid")) == 1
        assert lesson.page.blocks("python"), "A lesson shows code from a file."


@each_lesson
def test_answers_are_folded(lesson: Lesson) -> None:
    _, _, questions = lesson.page.text.partition("\n## Questions")
    text = lesson.page.text if lesson.is_check else questions
    least = len(CHECK_PARTS) if lesson.is_check else 2
    assert text.count("<details>") == text.count("</details>") >= least
    assert text.count("<summary>") == text.count("<details>")


@each_week
def test_week_ends_with_its_check(week: Week) -> None:
    numbers = [lesson.number for lesson in lessons_of(week)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [lesson.is_check for lesson in lessons_of(week)].index(True) == len(numbers) - 1


@each_week
def test_each_lesson_leads_to_the_next_and_the_last_to_the_homework(week: Week) -> None:
    pages = [lesson.page for lesson in lessons_of(week)]
    targets = [*(page.path for page in pages[1:]), week.exercises / "README.md"]
    for page, target in zip(pages, targets, strict=True):
        last = LAST_LINE.match(page.text.rstrip().splitlines()[-1])
        assert last, f"{page} ends with: Next: [title](file)"
        assert (page.path.parent / last[1]).resolve() == target


def test_index_lists_every_lesson_with_its_minutes() -> None:
    rows = {
        (paths.LESSONS / link[1]): int(row[1])
        for table in Page.read(paths.LESSONS / "README.md").tables()
        for row in table[1:]
        if (link := re.search(r"\]\(([^)]+\.md)\)", row[0]))
    }
    assert rows == {lesson.page.path: lesson.minutes for lesson in LESSONS}


@pytest.mark.parametrize("week", HOMEWORK, ids=str)
def test_homework_page_lists_the_items_of_the_manifest(week: Week) -> None:
    page = Page.read(week.exercises / "README.md")
    table = next(table for table in page.tables() if table[0][0] == "item")
    manifest = load_manifest(week)
    expected = [[item.id, item.title, f"{item.points:g}"] for item in manifest.items]
    assert [[row[0], row[1].replace("`", ""), row[2]] for row in table[1:]] == [
        [number, title.replace("`", ""), points] for number, title, points in expected
    ]
    assert f"{manifest.max_score:g} points" in page.text


@pytest.mark.parametrize("week", HOMEWORK, ids=str)
def test_homework_page_names_every_file_and_command(week: Week) -> None:
    text = (week.exercises / "README.md").read_text(encoding="utf-8")
    for file in load_manifest(week).files:
        assert f"`{file}`" in text
        assert (week.exercises / file).is_file()
    for command in ("check", "watch", "hint"):
        assert f"bootcamp {command} {week.number}" in text


@pytest.mark.parametrize("week", HOMEWORK, ids=str)
def test_manifest_sends_readers_to_lessons_that_exist(week: Week) -> None:
    for item in load_manifest(week).items:
        assert (week.lessons / item.lesson).is_file(), Path(item.lesson)
