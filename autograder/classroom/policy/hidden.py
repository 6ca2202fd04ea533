"""Checks that students see only after the deadline."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from autograder.classroom.execution.records import ItemRecord
from autograder.classroom.policy.remarks import Remarked
from autograder.classroom.policy.summary import Grade
from bootcamp.course.outcome import Outcome


def as_student_sees(grade: Grade, now: datetime, extra_items: Collection[str] = ()) -> Grade:
    """A grade for pages and files that students get: before the due moment, without hidden checks.

    Their points are part of neither the points nor the maximum then. Without a due moment nothing is
    hidden. The grade itself, and all that only the instructor sees, has everything.

    Args:
        extra_items: the items that are extra, and are no part of the maximum.
    """
    record = grade.record
    if record is None or grade.due is None or now > grade.due or not hides(grade):
        return grade
    items = tuple(map(_without_hidden, record.items))
    score, extra, most = grade.score, grade.extra, grade.max_score
    for whole, shown in zip(record.items, items, strict=True):
        less = whole.score - shown.score
        if whole.id in extra_items:
            extra = round(extra - less, 2)
        else:
            score = None if score is None else round(score - less, 2)
            most -= whole.max_score - shown.max_score
    record = record.model_copy(update={"items": items})
    return replace(grade, record=record, score=score, extra=extra, max_score=most)


def hides(grade: Grade) -> bool:
    """Whether a hidden check is in a grade."""
    items = grade.record.items if grade.record else ()
    return any(check.hidden for one in items for check in one.checks)


def _without_hidden(item: ItemRecord) -> ItemRecord:
    hidden = [one for one in item.checks if one.hidden]
    if not hidden:
        return item
    shown = tuple(one for one in item.checks if not one.hidden)
    earned = sum(one.score for one in hidden)
    facts: dict[str, object] = {"checks": shown}
    if isinstance(item, Remarked):
        facts["automatic"] = item.automatic - earned
    by_hand = isinstance(item, Remarked) and item.changed
    if not by_hand:  # a person's points are for the whole item
        facts["score"] = item.score - earned
        facts["max_score"] = item.max_score - sum(one.max_score for one in hidden if not one.bonus)
    failed = [one for one in shown if not one.bonus and one.outcome is not Outcome.PASSED]
    if item.outcome is Outcome.FAILED and not failed:
        facts |= {"outcome": Outcome.PASSED, "why": None}
    return item.model_copy(update=facts)
