"""The misconceptions: each wrong solution is on its week's page, under the function that it changes."""

from __future__ import annotations

import pytest

from bootcamp.authoring import misconceptions
from bootcamp.authoring.misconceptions import Wrong, page, pages, wrong_solutions
from bootcamp.course.weeks import Week, all_weeks, find_week

each_week = pytest.mark.parametrize("week", all_weeks(), ids=str)


@each_week
def test_each_wrong_solution_has_a_row(week: Week) -> None:
    patches = list((week.grader / "wrong").glob("*.patch"))
    found = list(wrong_solutions(week))
    assert len(found) == len(patches), "a patch has no story, or loses nothing"
    rows = [line for line in page(week).splitlines() if line.startswith("| ")]
    headings = sum(line.startswith("| what the student did") for line in rows)
    assert len(rows) - headings == len(patches)
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_pages_are_up_to_date() -> None:
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, "run: bootcamp generate"


def wrong(name: str) -> Wrong:
    return next(one for one in wrong_solutions(find_week("5")) if one.name == name)


def test_the_story_the_place_and_the_item_come_from_the_patch() -> None:
    found = wrong("backoff_uncapped")
    assert (found.item, found.file) == ("5.2", "pipeline/tasks/retry.py")
    assert found.story
    assert found.breaks


def test_the_first_hint_of_the_changed_function_leads_out() -> None:
    text = page(find_week("5"))
    _, _, backoff = text.partition("### backoff in `pipeline/tasks/retry.py`")
    section = backoff.partition("\n## ")[0]
    assert "> A hundred jobs fail in the same second" in section
    assert wrong("backoff_uncapped").story in section
    assert wrong("retry_sleeps").story not in section


def test_a_cause_is_a_whole_sentence_of_the_items_own_grader() -> None:
    week = find_week("5")
    card = "account has no money left"
    assert "waiting does not change that" in misconceptions._cause(week, "5.1", card)
    assert misconceptions._cause(week, "5.1", "no such text") == 'a card with "no such text"'
