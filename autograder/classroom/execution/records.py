"""What is kept of a graded submission: one JSON file per student, written in one step."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from autograder.card import Card
from autograder.classroom.intake.names import file_stem, without_places
from autograder.run.results import CheckResult, ItemResult
from bootcamp.course.manifest import Item
from bootcamp.course.outcome import Outcome
from bootcamp.files import write_atomic

EARLIER = "earlier"
"""Beside the folder of records: those whose points a later grading has changed."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Why(_Record):
    """A failure card, as it is shown."""

    rows: tuple[tuple[str, str], ...]
    """Label and text."""
    log: tuple[str, ...] = ()
    """Lines of the student's own processes."""


class CheckRecord(_Record):
    """How a part of an item ended that has points of its own."""

    id: str
    title: str
    outcome: Outcome
    score: float
    max_score: float
    bonus: bool = False
    hidden: bool = False
    why: Why | None = None

    @property
    def text(self) -> str:
        """The card as plain text."""
        return _text(self.why)


class ItemRecord(_Record):
    """How one item ended."""

    id: str
    title: str
    outcome: Outcome
    score: float
    max_score: float
    seconds: float
    why: Why | None = None
    checks: tuple[CheckRecord, ...] = ()
    graders: str = ""
    """SHA-256 of what graded it: the engine, the week's graders, and the reference below and around."""

    @classmethod
    def of(cls, result: ItemResult) -> ItemRecord:
        """The record of what the engine says."""
        return cls(
            id=result.item.id,
            title=result.item.title,
            outcome=result.outcome,
            score=result.score,
            max_score=result.item.points,
            seconds=round(result.seconds, 3),
            why=_why(result.card),
            checks=tuple(map(_check, result.checks)),
        )

    @classmethod
    def broken(cls, item: Item, reason: str) -> ItemRecord:
        """The record of an item that the grader could not judge: never a zero."""
        cause = "not the student's fault, and no zero: it is tried again"
        reason = without_places(reason)
        rows = (("came back", f"the grader broke: {reason}"), ("likely cause", cause))
        outcome, why = Outcome.GRADER_ERROR, Why(rows=rows)
        return cls(
            id=item.id, title=item.title, outcome=outcome, score=0, max_score=item.points,
            seconds=0, why=why,
        )  # fmt: skip

    @property
    def judged(self) -> bool:
        """Whether its points are known."""
        return self.outcome.judged

    @property
    def passed(self) -> bool:
        """Whether it has all of its points."""
        return self.outcome is Outcome.PASSED

    @property
    def text(self) -> str:
        """What exports say of it."""
        return self.card_text

    @property
    def card_text(self) -> str:
        """The card as plain text."""
        return _text(self.why)


def _text(why: Why | None) -> str:
    if why is None:
        return ""
    lines = [f"{label}: {text}" for label, text in why.rows]
    return "\n".join([*lines, *(f"your log | {line}" for line in why.log)])


def _why(card: Card | None) -> Why | None:
    if card is None:
        return None
    card = card.cleaned()
    rows = tuple((label, without_places(text)) for label, text in card.rows())
    return Why(rows=rows, log=tuple(map(without_places, card.log)))


def _check(result: CheckResult) -> CheckRecord:
    one = result.check
    return CheckRecord(
        id=one.id, title=one.title, outcome=result.outcome, score=result.score,
        max_score=one.points, bonus=one.bonus, hidden=one.hidden, why=_why(result.card),
    )  # fmt: skip


class Key(_Record):
    """What a result depends on, beside the graders. The same key and graders give the same result."""

    submission: str
    """SHA-256 of the homework files taken."""
    seed: int


class Record(_Record):
    """The result of one submission."""

    student: str
    week: str
    key: Key
    items: tuple[ItemRecord, ...]
    sandbox: str
    """The tier that the student's processes ran in."""
    versions: dict[str, str]
    seconds: float
    """Of work, all tries together."""
    graded_at: datetime
    regraded: tuple[str, ...] = ()
    """Items graded again on their own since, with the moment."""
    flags: tuple[str, ...] = ()
    """What an instructor should look at."""

    @property
    def broken(self) -> tuple[str, ...]:
        """Ids of the items on which the grader broke."""
        return self._unjudged(Outcome.GRADER_ERROR)

    @property
    def unavailable(self) -> tuple[str, ...]:
        """Ids of the items that the machine could not check."""
        return self._unjudged(Outcome.UNAVAILABLE)

    def _unjudged(self, outcome: Outcome) -> tuple[str, ...]:
        return tuple(one.id for one in self.items if one.outcome is outcome and not one.judged)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Ids of the items whose points are not known yet, through no fault of the student."""
        return tuple(one.id for one in self.items if not one.judged)

    @property
    def scores(self) -> dict[str, float]:
        """Points by item."""
        return {one.id: one.score for one in self.items}

    def not_by(self, graders: str) -> tuple[str, ...]:
        """Ids of the items that other graders have graded."""
        return tuple(one.id for one in self.items if one.graders != graders)


class Results:
    """The folder of records. A file that is broken or of another student counts as none."""

    def __init__(self, folder: Path, below: Results | None = None) -> None:
        self.folder = folder
        self.below = below
        """Read where this folder has no record: the results that a dry run does not touch."""

    def path(self, student: str) -> Path:
        """Where a student's record is."""
        return self.folder / f"{file_stem(student)}.json"

    def load(self, student: str) -> Record | None:
        """A student's record, if there is one."""
        try:
            record = Record.model_validate_json(self.path(student).read_bytes())
        except (OSError, ValidationError):
            return self.below.load(student) if self.below else None
        return record if record.student == student else None

    def save(self, record: Record) -> None:
        """Keep a record, in place of the one before. If its points differ, that one is kept too.

        Raises:
            BootcampError: it cannot be written.
        """
        before = self.load(record.student)
        if before and not before.unjudged and before.scores != record.scores:
            name = f"{before.graded_at:%Y%m%dT%H%M%SZ}.json"
            earlier = self.folder.parent / EARLIER / file_stem(record.student) / name
            write_atomic(earlier, before.model_dump_json(indent=1).encode())
        content = record.model_dump_json(indent=1).encode()
        write_atomic(self.path(record.student), content)
