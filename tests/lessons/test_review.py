"""The review of several weeks, `review.md`: mixed questions with folded answers that lead to the lessons."""

from __future__ import annotations

import re

import pytest

from bootcamp.authoring.pages import Page
from bootcamp.course.weeks import Week, all_weeks

REVIEW = "review.md"
LEAST_QUESTIONS = 10
WEEKS = [week for week in all_weeks() if (week.lessons / REVIEW).is_file()]
FRONT = re.compile(r"^\*Weeks (\d+) to (\d+) · (\d+) questions · (\d+) minutes\*$", re.MULTILINE)
each_week = pytest.mark.parametrize("week", WEEKS, ids=str)


def test_week_3_has_a_review() -> None:
    assert 3 in [week.number for week in WEEKS]


@each_week
def test_the_questions_are_folded_and_numbered(week: Week) -> None:
    page = Page.read(week.lessons / REVIEW)
    front = FRONT.search(page.text)
    assert front, "The line below the title says: *Weeks 1 to 3 · 12 questions · 30 minutes*"
    assert (int(front[1]), int(front[2])) == (week.number - 2, week.number)
    assert page.headings(2) == ["Mixed questions"]
    numbers = [int(one) for one in re.findall(r"<summary>(\d+)\. ", page.text)]
    assert numbers == list(range(1, int(front[3]) + 1))
    assert len(numbers) >= LEAST_QUESTIONS
    assert page.text.count("<details>") == page.text.count("</details>") == len(numbers)


@each_week
def test_every_answer_leads_to_a_lesson_and_all_weeks_occur(week: Week) -> None:
    page = Page.read(week.lessons / REVIEW)
    for question in page.text.split("<details>")[1:]:
        answer = question.partition("</summary>")[2]
        assert re.search(r"\]\([^)]+\.md", answer), question[:80]
    for number in range(week.number - 2, week.number + 1):
        assert re.search(rf"\[week {number}\b", page.text, re.IGNORECASE)


@each_week
def test_the_overview_and_the_check_page_link_to_it(week: Week) -> None:
    (check,) = week.lessons.glob("*_check_yourself.md")
    for path in (week.lessons / "README.md", check):
        assert f"({REVIEW})" in path.read_text(encoding="utf-8")
