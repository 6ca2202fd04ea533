"""A person's comments on items, and points in place of the grader's. Records on disk stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.classroom.execution.records import ItemRecord, Record
from autograder.classroom.policy.hand_grades import Mark


class Remarked(ItemRecord):
    """How one item ended, with what a person said of it."""

    mark: Mark
    automatic: float
    """The grader's points."""

    @property
    def changed(self) -> bool:
        """Whether a person gave other points."""
        return self.mark.points is not None

    @property
    def judged(self) -> bool:
        """Whether its points are known: a person may judge what the grader could not."""
        return self.changed or self.outcome.judged

    @property
    def passed(self) -> bool:
        """Whether it has all of its points."""
        return self.score >= self.max_score if self.changed else super().passed

    @property
    def remark(self) -> str:
        """What the person said, in one sentence."""
        mark = self.mark
        who = f"{mark.by}, " if mark.by else ""
        when = f"{mark.entered_at:%Y-%m-%d %H:%M} UTC"
        if not self.changed:
            return f"Comment ({who}{when}): {mark.comment}"
        old = f"{self.automatic:g}" if self.outcome.judged else "blank"
        return f"Changed by hand from {old} to {self.score:g} ({who}{when}): {mark.comment}"

    @property
    def text(self) -> str:
        """The remark, then the card, as plain text."""
        return "\n".join(filter(None, (self.remark, self.card_text)))


def remarked(record: Record, marks: Mapping[str, Mark]) -> Record:
    """The record with what a person said of its items."""
    items = tuple(_remarked(one, marks[one.id]) if one.id in marks else one for one in record.items)
    return record.model_copy(update={"items": items})


def _remarked(one: ItemRecord, mark: Mark) -> Remarked:
    score = one.score if mark.points is None else mark.points
    return Remarked(**{**_facts(one), "score": score}, mark=mark, automatic=one.score)


def without_remarks(record: Record) -> Record:
    """The record as the graders made it."""
    items = tuple(
        ItemRecord(**{**_facts(one), "score": one.automatic}) if isinstance(one, Remarked) else one
        for one in record.items
    )
    return record.model_copy(update={"items": items})


def _facts(one: ItemRecord) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ItemRecord.model_fields}
