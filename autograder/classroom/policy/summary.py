"""From results to grades: what each student gets, and what the class looks like. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from statistics import mean, median
from typing import Any

from autograder.classroom.execution.records import ItemRecord, Key, Record
from autograder.classroom.intake.names import shown
from autograder.classroom.intake.roster import Student
from autograder.classroom.policy.hand_grades import HandPoints, Mark
from autograder.classroom.policy.hand_table import OVERALL
from autograder.classroom.policy.late import Lateness, Policy, with_free_days
from autograder.classroom.policy.remarks import Remarked, remarked
from bootcamp.course.manifest import Item, Manifest
from bootcamp.course.outcome import Outcome

MOST_COMMON = 3
"""Messages shown per item."""
LABEL = "likely cause"
"""The row of a card that says what is wrong."""
BARS = 10
"""Of the histogram: each a tenth of the points."""
_VARYING = re.compile(r"0x[0-9a-f]+|\d+(?:\.\d+)?|'[^']*'|\"[^\"]*\"")


class Status(StrEnum):
    """What became of a student's submission."""

    GRADED = "graded"
    REFUSED = "refused"
    """Handed in, but nothing could be taken of it: no points, and the report says why."""
    MISSING = "missing"
    """Nothing was handed in. No points are recorded, not even zero."""
    GRADER_ERROR = "grader error"
    """The grader broke on an item. No points are recorded until it has been graded again."""
    UNAVAILABLE = "unavailable"
    """The machine lacks what the check of an item needs, a browser for example. No points are recorded
    until it has been graded on a machine that has it."""
    UNREAD = "not read"
    """Handed in, but it could not be read through no fault of the student's: a git server that does
    not answer, say. No points are recorded, and those of before are kept."""
    WAITING = "not graded yet"


@dataclass(frozen=True)
class Grade:
    """A student's line. Points are None where there is nothing to record."""

    student: Student
    status: Status
    max_score: float
    score: float | None = None
    """Points earned within the maximum, before lateness."""
    extra: float = 0.0
    """Points earned by extra items."""
    penalty: float = 0.0
    """Points that lateness takes."""
    submitted: datetime | None = None
    due: datetime | None = None
    late: Lateness = field(default_factory=Lateness)
    free_days: int = 0
    """Late days of the term's budget that it takes."""
    free_days_left: int | None = None
    """After that; None where there is no budget."""
    commit: str = ""
    """Which commit was graded, and why that one, in words."""
    reason: str = ""
    """Why nothing was taken."""
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """What is suspicious, for the instructor alone."""
    record: Record | None = None
    by_hand: HandPoints | None = None
    """Points that a person gave. They are no part of the points above."""
    comment: Mark | None = None
    """A person's comment on the whole work."""

    @property
    def remarks(self) -> tuple[Remarked, ...]:
        """Items of which a person said something, or to which a person gave other points."""
        items = self.record.items if self.record else ()
        return tuple(one for one in items if isinstance(one, Remarked))

    @property
    def final(self) -> float | None:
        """Points that count: earned, less lateness, and the bonus that was given by hand."""
        if self.score is None:
            return None
        return round(self.score + self.extra - self.penalty + self.student.bonus, 2)

    def to_json(self) -> dict[str, Any]:
        """A line of `grades.json`."""
        record = self.record
        return {
            "id": self.student.id,
            "name": self.student.name,
            "email": self.student.email,
            "section": self.student.section,
            "group": self.student.group,
            "status": self.status.value,
            "score": self.score,
            "extra": self.extra,
            "bonus": self.student.bonus,
            "penalty": self.penalty,
            "penalty_percent": self.late.percent,
            "final": self.final,
            "max_score": self.max_score,
            "submitted": self.submitted.isoformat() if self.submitted else None,
            "due": self.due.isoformat() if self.due else None,
            "late_minutes": self.late.minutes,
            "free_days": self.free_days,
            "free_days_left": self.free_days_left,
            "commit": self.commit,
            "items": {one.id: one.outcome.value for one in record.items} if record else {},
            "sandbox": record.sandbox if record else None,
            "seed": record.key.seed if record else None,
            "seconds": record.seconds if record else None,
            "reason": self.reason,
            "notes": list(self.notes),
            "flags": list(self.flags),
            **({"by_hand": self.by_hand.to_json()} if self.by_hand else {}),
            "remarks": {
                one.id: {"automatic": one.automatic, **one.mark.model_dump(mode="json")}
                for one in self.remarks
            },
            "comment": self.comment.comment if self.comment else "",
        }


def grade_of(
    student: Student,
    policy: Policy,
    manifest: Manifest,
    *,
    handed_in: bool,
    record: Record | None = None,
    submitted: datetime | None = None,
    refused: str = "",
    unread: bool = False,
    reason: str = "",
    notes: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    by_hand: HandPoints | None = None,
    remarks: Mapping[str, Mark] | None = None,
    free_days: int | None = None,
    commit: str = "",
) -> Grade:
    """A student's line, from the result and the policy."""
    most = sum(one.points for one in manifest.items if one.id not in policy.extra_items)
    due, late, used = due_of(student, policy), Lateness(), 0
    if due and submitted:
        late, used = with_free_days(due, submitted, policy.late, free_days or 0)
    score, extra, marks = None, 0.0, remarks or {}
    record = remarked(record, marks) if record else None
    if not handed_in:
        status, late, submitted, used = Status.MISSING, Lateness(), None, 0
    elif unread:
        status, late, submitted, used = Status.UNREAD, Lateness(), None, 0
    elif refused:
        status, score, record, used = Status.REFUSED, 0.0, None, 0
    elif record is None:
        status = Status.WAITING
    elif record.broken:
        status = Status.GRADER_ERROR
    elif record.unavailable:
        status = Status.UNAVAILABLE
    else:
        status = Status.GRADED
        score = sum(one.score for one in record.items if one.id not in policy.extra_items)
        extra = sum(one.score for one in record.items if one.id in policy.extra_items)
    penalty = round(((score or 0.0) + extra) * late.percent / 100, 2)
    return Grade(
        student, status, most, score, extra, penalty, submitted, due, late, used,
        None if free_days is None else free_days - used, commit,
        refused or reason, notes, (*flags, *(record.flags if record else ())), record, by_hand,
        marks.get(OVERALL),
    )  # fmt: skip


def due_of(student: Student, policy: Policy) -> datetime | None:
    """When a student's work is due, in UTC."""
    due = student.due or policy.due_moment
    return due + student.extension if due else None


@dataclass(frozen=True)
class ItemStatistics:
    """How the class did on one item."""

    item: Item
    outcomes: Counter[Outcome]
    messages: tuple[tuple[str, int], ...]
    """The most common reasons why it did not pass, numbers and quotations left out."""
    causes: tuple[tuple[str, int], ...]
    """All causes on the cards of failures, the most common first: words of the graders alone."""
    times: tuple[float, ...]
    """Seconds, of each submission."""

    @property
    def seconds(self) -> float:
        """Mean."""
        return mean(self.times) if self.times else 0.0

    @property
    def shares(self) -> tuple[float, ...]:
        """Percent of those judged that failed by the three most common causes, for other reasons, and
        that were not checked because of another item.
        """
        judged = sum(count for outcome, count in self.outcomes.items() if outcome.judged)
        first = [count for _, count in self.causes[:MOST_COMMON]]
        first += [0] * (MOST_COMMON - len(first))
        skipped = self.outcomes[Outcome.SKIPPED]
        rest = judged - self.outcomes[Outcome.PASSED] - skipped - sum(first)
        return tuple(100 * count / judged if judged else 0.0 for count in (*first, rest, skipped))

    @property
    def graded(self) -> int:
        return sum(self.outcomes.values())

    @property
    def success(self) -> float | None:
        """Share of those graded that passed, in percent."""
        return 100 * self.outcomes[Outcome.PASSED] / self.graded if self.graded else None


@dataclass(frozen=True)
class ClassStatistics:
    """The class as a whole."""

    items: tuple[ItemStatistics, ...]
    finals: tuple[float, ...]
    histogram: tuple[int, ...]
    """Students per tenth of the maximum; the last bar holds the full marks and more."""
    statuses: Counter[Status]
    sandboxes: Counter[str]

    def passed(self, item_id: str) -> float | None:
        """Percent of those graded that passed an item."""
        return next((one.success for one in self.items if one.item.id == item_id), None)

    @property
    def mean(self) -> float | None:
        return mean(self.finals) if self.finals else None

    @property
    def median(self) -> float | None:
        return median(self.finals) if self.finals else None

    @property
    def hardest(self) -> ItemStatistics | None:
        """The item that fails most often, if any does."""
        failing = [one for one in self.items if one.success is not None and one.success < 100]
        return min(failing, key=lambda one: one.success or 0.0, default=None)


def statistics(grades: Sequence[Grade], manifest: Manifest) -> ClassStatistics:
    """What the class page shows."""
    records = [grade.record for grade in grades if grade.record]
    finals = tuple(grade.final for grade in grades if grade.final is not None)
    most = next((grade.max_score for grade in grades), 0.0)
    bars = [0] * BARS
    for final in finals:
        share = final / most if most else 0.0
        bars[min(max(int(share * BARS), 0), BARS - 1)] += 1
    per_item = (
        _item(item, [one for record in records for one in record.items if one.id == item.id])
        for item in manifest.items
    )
    return ClassStatistics(
        items=tuple(per_item),
        finals=finals,
        histogram=tuple(bars),
        statuses=Counter(grade.status for grade in grades),
        sandboxes=Counter(record.sandbox for record in records),
    )


def by_section(grades: Sequence[Grade], manifest: Manifest) -> dict[str, ClassStatistics]:
    """The same for each section of the roster; empty where there is only one."""
    names = sorted({grade.student.section for grade in grades})
    return {
        name: statistics([one for one in grades if one.student.section == name], manifest)
        for name in (names if len(names) > 1 else ())
    }


def _item(item: Item, results: Sequence[ItemRecord]) -> ItemStatistics:
    reasons = Counter(_reason(one) for one in results if one.outcome is not Outcome.PASSED)
    failed = (one for one in results if one.outcome is Outcome.FAILED and one.why)
    causes = Counter(_reason(one) for one in failed if one.why and LABEL in dict(one.why.rows))
    return ItemStatistics(
        item,
        Counter(one.outcome for one in results),
        tuple(reasons.most_common(MOST_COMMON)),
        tuple(causes.most_common()),
        tuple(one.seconds for one in results if one.outcome is not Outcome.SKIPPED),
    )


def _reason(result: ItemRecord) -> str:
    """What a card says, without what differs from student to student."""
    if result.outcome is Outcome.SKIPPED:
        return "builds on an item that did not pass"
    rows = dict(result.why.rows) if result.why else {}
    labels = [LABEL, "expected", "came back"]
    if result.outcome is Outcome.NOT_GRADABLE:  # the cause only points at what came back
        labels.reverse()
    first = (rows.get(label) for label in labels)
    text = next(filter(None, first), result.outcome.value)
    return _VARYING.sub("…", text.splitlines()[0])[:160]


def uneven(grades: Iterable[Grade]) -> tuple[str, ...]:
    """Who handed in equal files, had equal inputs and did not get the same: somebody is wronged."""
    alike: dict[tuple[Key, tuple[str, ...]], list[Record]] = {}
    for grade in grades:
        if grade.record and not grade.record.unjudged:
            graders = tuple(one.graders for one in grade.record.items)
            alike.setdefault((grade.record.key, graders), []).append(grade.record)
    return tuple(filter(None, map(_uneven, alike.values())))


def _uneven(records: Sequence[Record]) -> str:
    by_item = zip(*(one.items for one in records), strict=False)
    items = [one[0].id for one in by_item if len({each.outcome for each in one}) > 1]
    if not items:
        return ""
    who = " and ".join(shown(one.student) for one in records)
    return f"{who} handed in equal files and differ in {', '.join(items)}: grade them again (--regrade)"


def counts(grades: Iterable[Grade]) -> str:
    """One line on the class: how many of which status."""
    found = Counter(grade.status for grade in grades)
    return ", ".join(f"{found[status]} {status.value}" for status in Status if found[status])
