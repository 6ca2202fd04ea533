"""Who is to blame for a missed deadline: the submission, or a machine that is too busy.

Before a missed deadline costs a point, the reference does the same piece of work, with the same inputs,
on the same stack, after the submission's processes have ended. If the reference keeps the deadline, the
item has failed. If it does not, the outcome is a grader error, and the item runs once more. So a busy
machine costs nobody a point, and nobody gains a grader error by wasting time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autograder.card import Card
from autograder.run.results import ItemResult, WeekResult
from bootcamp.course.manifest import load_manifest
from bootcamp.course.outcome import Outcome

EXCUSE = Card(
    got="the grader broke: this machine was too slow, because the reference missed the deadline too",
    cause="not your fault, and no zero: run it again when the machine has less to do",
)
BEATEN = (Outcome.FAILED, Outcome.NOT_GRADABLE, Outcome.GRADER_ERROR)
"""Outcomes of the reference that excuse a submission."""


def late_items(result: WeekResult) -> list[str]:
    """Ids of the items in whose failed test a deadline passed."""
    return [one.item.id for one in result.items if one.late]


def excuse(result: WeekResult, reference: WeekResult) -> WeekResult:
    """The result, with a grader error in place of each failure that the reference has had too.

    An item that was skipped because it builds on one of these is excused with it.
    """
    excused = {one.item.id for one in reference.items if one.outcome in BEATEN}
    for item in load_manifest(result.week).items:  # in an order in which needs come first
        if excused & set(item.needs):
            excused.add(item.id)
    return result.replaced_by(_excused(result.items, excused))


def _excused(items: Iterable[ItemResult], names: set[str]) -> list[ItemResult]:
    return [
        replace(one, outcome=Outcome.GRADER_ERROR, card=EXCUSE, late=False)
        for one in items
        if one.item.id in names and (one.late or one.outcome is Outcome.SKIPPED)
    ]
