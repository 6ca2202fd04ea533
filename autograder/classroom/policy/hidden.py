"""Checks that students see only after the deadline."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from autograder.classroom.execution.records import ItemRecord
from autograder.classroom.policy.summary import Grade
from bootcamp.course.outcome import Outcome


def as_student_sees(grade: Grade, now: datetime) -> Grade:
    """A grade for pages and files that students get: before the due moment, without hidden checks.

    Their points are part of neither the points nor the maximum then. Without a due moment nothing is
    hidden. The grade itself, and all that only the instructor sees, has everything.
    """
    record = grade.record
    if record is None or grade.due is None or now > grade.due or not hides(grade):
        return grade
    items = tuple(map(_without_hidden, record.items))
    before, after = ((sum(one.score for one in many)) for many in (record.items, items))
    most = sum(one.max_score for one in record.items) - sum(one.max_score for one in items)
    score = None if grade.score is None else round(grade.score - (before - after), 2)
    record = record.model_copy(update={"items": items})
    return replace(grade, record=record, score=score, max_score=grade.max_score - most)


def hides(grade: Grade) -> bool:
    """Whether a hidden check is in a grade."""
    items = grade.record.items if grade.record else ()
    return any(check.hidden for one in items for check in one.checks)


def _without_hidden(item: ItemRecord) -> ItemRecord:
    hidden = [one for one in item.checks if one.hidden]
    if not hidden:
        return item
    shown = tuple(one for one in item.checks if not one.hidden)
    facts: dict[str, object] = {
        "checks": shown,
        "score": item.score - sum(one.score for one in hidden),
        "max_score": item.max_score - sum(one.max_score for one in hidden if not one.bonus),
    }
    failed = [one for one in shown if not one.bonus and one.outcome is not Outcome.PASSED]
    if item.outcome is Outcome.FAILED and not failed:
        facts |= {"outcome": Outcome.PASSED, "why": None}
    return item.model_copy(update=facts)
