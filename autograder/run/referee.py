"""Who is to blame for a missed deadline: the submission, or a machine that is too busy.

Before a missed deadline costs a point, the reference does the same piece of work, with the same inputs,
on the same stack, after the submission's processes have ended. If the reference keeps the deadline, the
item has failed. If it does not, the outcome is a grader error, and the item runs once more. So a busy
machine costs nobody a point, and nobody gains a grader error by wasting time.

The same holds for an exception in a grader. If it comes twice with the submission and never with the
reference, what the submission gave has caused it, and the item has failed. A fault of a grader's own
breaks on the reference too, and stays a grader error.
"""

from __future__ import annotations

from dataclasses import replace

from autograder.card import BROKE, Card, skipped_card
from autograder.run.results import ItemResult, WeekResult
from bootcamp.course.manifest import load_manifest
from bootcamp.course.outcome import Outcome

EXCUSE = Card(
    got="the grader broke: this machine was too slow, because the reference missed the deadline too",
    cause="not your fault, and no zero: run it again when the machine has less to do",
)
POSTPONED = Card(
    got="the check was late while far too many processes wanted this machine's processors",
    cause="not your fault, and no zero: it is graded again while nothing else is graded",
)
NO_FORM = (
    "the check could not read what this submission returned, stored, sent or left behind. The reference "
    "passes the same check with the same inputs. If your code is right, show your instructor this card"
)
BEATEN = (Outcome.FAILED, Outcome.NOT_GRADABLE, Outcome.GRADER_ERROR)
"""Outcomes of the reference that excuse a submission."""


def late_items(result: WeekResult) -> list[str]:
    """Ids of the items in whose failed test a deadline passed."""
    return [one.item.id for one in result.items if one.late]


def postpone(result: WeekResult) -> WeekResult:
    """The result, with a grader error in place of each failure on a machine that was too crowded.

    For a run beside others. Their processes may be gone by the time that the reference is measured, so
    only a run alone can tell.
    """
    late = {one.item.id for one in result.items if one.late and one.crowded}
    return _without(result, late, POSTPONED)


def broken_items(result: WeekResult) -> list[str]:
    """Ids of the items in whose test an exception broke the grader. Their cards have its traceback."""
    return [one.item.id for one in result.grader_errors if one.card and one.card.log]


def charge(result: WeekResult, reference: WeekResult) -> WeekResult:
    """The result, with a failure in place of each broken check that the reference has passed.

    What builds on one of these is skipped then.
    """
    passed = {one.item.id for one in reference.items if one.outcome is Outcome.PASSED}
    charged = passed & set(broken_items(result))
    newer = {one.item.id: _failed(one) for one in result.items if one.item.id in charged}
    for one in result.grader_errors:  # in an order in which needs come first
        lost = next((needed for needed in one.item.needs if needed in newer), None)
        if lost is not None and one.item.id not in newer:
            newer[one.item.id] = replace(one, outcome=Outcome.SKIPPED, card=skipped_card(lost))
    flags = (
        f"{one}: its check broke, and did not break on the reference" for one in sorted(charged)
    )
    return result.replaced_by(newer.values()).flagged(*flags)


def _failed(one: ItemResult) -> ItemResult:
    error = one.card.got.removeprefix(BROKE) if one.card else ""
    card = Card(
        expected="what the item describes, in a form that can be read",
        got=f"the check ended in {error}",
        cause=NO_FORM,
    )
    return replace(one, outcome=Outcome.FAILED, card=card.cleaned(), late=False)


def excuse(result: WeekResult, reference: WeekResult) -> WeekResult:
    """The result, with a grader error in place of each failure that the reference has had too."""
    excused = {one.item.id for one in reference.items if one.outcome in BEATEN}
    return _without(result, excused, EXCUSE)


def _without(result: WeekResult, excused: set[str], card: Card) -> WeekResult:
    """The result without these late failures, and what was skipped because it builds on one of them."""
    for item in load_manifest(result.week).items:  # in an order in which needs come first
        if excused & set(item.needs):
            excused.add(item.id)
    return result.replaced_by(
        replace(one, outcome=Outcome.GRADER_ERROR, card=card, late=False)
        for one in result.items
        if one.item.id in excused and (one.late or one.outcome is Outcome.SKIPPED)
    )
