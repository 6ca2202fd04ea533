"""The graders of each item answer what a submission could fake."""

from __future__ import annotations

import pytest

from autograder.validation import fakes
from bootcamp.course.manifest import graded_weeks, load_manifest
from bootcamp.course.weeks import Week

ANSWERED = 9
"""The last week whose items are answered. Raise it with each week that is done."""
WEEKS = [week for week in graded_weeks() if week.number <= ANSWERED]


@pytest.mark.parametrize("week", WEEKS, ids=str)
def test_each_question_is_answered(week: Week) -> None:
    items = [item.id for item in load_manifest(week).items]
    found = fakes.unanswered(items, fakes.answers(week))
    assert not found, "\n".join(found)


def test_what_is_missing_is_said() -> None:
    said = dict.fromkeys(fakes.QUESTIONS, "nothing.")
    del said["probe"]
    found = fakes.unanswered(["5.2"], {"5.2": said | {"chance": "none."}})
    assert found == [
        "5.2: probe is not answered: can a submission see when it is watched?",
        "5.2: chance is no question",
    ]
