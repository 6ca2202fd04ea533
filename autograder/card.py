"""The failure card: what was sent, what was expected, what came back, why, and where to read.

Graders end a test with `fail(...)`. Anything else they raise is a grader error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NoReturn

MAX_FIELD_CHARACTERS = 1_500
"""A field of a card is cut here: a student's answer may be megabytes long."""
MAX_LOG_LINES = 12
BROKE = "the grader broke: "
"""How the card of a grader error begins."""
STUDENT_PREFIX = "your log | "
"""Stands before each line that a student's process wrote, so it cannot pass for ours."""

_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e"
    r"\u2028\u2029\u2066-\u2069\ud800-\udfff]"
)


def clean(text: str, limit: int = MAX_FIELD_CHARACTERS) -> str:
    """`text` without terminal escapes, control and direction characters, and not too long.

    Half characters (surrogates) go too: they cannot be written to a file or a terminal.
    """
    if len(text) > limit * 4:
        text = text[: limit * 4]  # do not search megabytes for escapes
    text = _CONTROL.sub("·", text)
    return text if len(text) <= limit else f"{text[:limit]}… (cut at {limit} characters)"


def show(value: object) -> str:
    """A value as a card shows it: like Python writes it, cleaned and cut."""
    return clean(repr(value), limit=400)


@dataclass(frozen=True)
class Card:
    """Why an item did not pass, for the student's eyes."""

    sent: str = ""
    """What was called or sent."""
    expected: str = ""
    got: str = ""
    """What came back."""
    cause: str = ""
    """The likely cause."""
    log: tuple[str, ...] = ()
    """The last lines of the student's own process."""
    hint: str = ""
    """The hint command."""
    lesson: str = ""
    """Path of the lesson to read."""
    checks: str = ""
    """The parts of the item that have points of their own, and how each ended."""

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Label and text of each field that has one, in the order to read them."""
        fields = (
            ("sent", self.sent),
            ("expected", self.expected),
            ("came back", self.got),
            ("likely cause", self.cause),
            ("points", self.checks),
            ("hint", self.hint),
            ("read", self.lesson),
        )
        return tuple((label, text) for label, text in fields if text)

    def text(self) -> str:
        """The whole card as plain text, the student's log lines apart and prefixed."""
        lines = [f"{label}: {text}" for label, text in self.rows()]
        lines += [f"{STUDENT_PREFIX}{line}" for line in self.log]
        return "\n".join(lines)

    def cleaned(self) -> Card:
        """The card with every field safe to print."""
        return Card(
            **{
                name: clean(value)
                for name, value in vars(self).items()
                if name != "log" and isinstance(value, str)
            },
            log=tuple(clean(line, limit=300) for line in self.log[-MAX_LOG_LINES:]),
        )

    def pointing_to(self, hint: str, lesson: str) -> Card:
        """The card with the hint command and the lesson filled in."""
        return replace(self, hint=hint, lesson=lesson)


class CheckFailed(Exception):
    """The student's work does not do what the item asks. Carries the card."""

    def __init__(self, card: Card) -> None:
        super().__init__(card.text())
        self.card = card


class TookTooLong(CheckFailed):
    """A call gave no answer in the time that the grader allows."""


class NotGradable(CheckFailed):
    """The student's work cannot be run at all, and the student can correct it."""


class NotReady(NotGradable, TookTooLong):
    """The student's work did not start in time: on a machine that is too slow, right work is late too."""


class Unavailable(Exception):
    """This machine lacks what the check needs. It says nothing about the work. Carries the card."""

    def __init__(self, card: Card) -> None:
        super().__init__(card.text())
        self.card = card


def fail(
    *, sent: str, expected: str, got: object, cause: str = "", log: tuple[str, ...] = ()
) -> NoReturn:
    """End the test: the item fails with this card.

    `got` may be any value; text is shown as it is, all else as Python writes it.

    Raises:
        CheckFailed: always.
    """
    text = got if isinstance(got, str) else show(got)
    raise CheckFailed(Card(sent=sent, expected=expected, got=text, cause=cause, log=log).cleaned())


HIDDEN = Card(
    got="a check that is shown after the deadline did not pass",
    cause="compare your code with every requirement of the item",
)
"""The card of a hidden check."""


def skipped_card(needed: str) -> Card:
    """The card of an item that builds on one which has not passed."""
    return Card(
        got=f"not checked: it builds on {needed}, which has not passed yet",
        cause=f"make {needed} pass first",
    )
