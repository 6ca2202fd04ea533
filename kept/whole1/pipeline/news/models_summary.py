"""What the model must answer, what a summary is, and how the work on an article can end. Given to students
complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MAX_SUMMARY_CHARS = 600
MAX_TOPICS = 5
MAX_TOPIC_CHARS = 40
_NO_CONTROL = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F]*$"
"""PostgreSQL stores no NUL, and a page or a mail shows no control character."""


class Draft(BaseModel):
    """The JSON object that the model must answer. `Draft.model_validate_json(text)` reads it.

    Nothing is converted, and an object with another key is an error: an answer that does not fit was not
    made for our schema.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    summary: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=MAX_SUMMARY_CHARS, pattern=_NO_CONTROL
        ),
    ]
    topics: Annotated[
        list[
            Annotated[
                str,
                StringConstraints(
                    strip_whitespace=True,
                    min_length=1,
                    max_length=MAX_TOPIC_CHARS,
                    pattern=_NO_CONTROL,
                ),
            ]
        ],
        Field(min_length=1, max_length=MAX_TOPICS),
    ]


class Reason(StrEnum):
    """Why an article became a dead letter."""

    REFUSAL = "refusal"
    """The model refused to answer, or the provider's filter removed the answer."""
    TRUNCATED = "truncated"
    """The answer reached the limit of tokens, so it has no end."""
    INVALID = "invalid"
    """The answer is not JSON, or it does not fit the schema."""
    UNSAFE = "unsafe"
    """The answer contains a link or a mail address, which the article may have planted there."""
    REQUEST = "request"
    """The provider rejected the request itself."""
    CRASHED = "crashed"
    """Workers have died too often while they worked on this article."""


class BadAnswer(Exception):
    """The model's answer cannot be used.

    Attributes:
        reason: what is wrong with it.
        detail: more about it, for the operator.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary that the model wrote and that was validated.

    Attributes:
        summary: the text, without white space at its ends.
        topics: the topics in lower case, each once, in the model's order.
        model: the name of the model.
        tokens: how many tokens this article has used, over all of its requests.
    """

    summary: str
    topics: tuple[str, ...]
    model: str
    tokens: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The article gets no summary until an operator replays it.

    Attributes:
        reason: why.
        detail: more about it, at most `MAX_DETAIL_CHARS` characters.
        tokens: how many tokens this article has used, over all of its requests.
    """

    reason: Reason
    detail: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Postponed:
    """The article stays open, and the run ends. A later run takes the article again.

    Attributes:
        reason: "budget": the next request does not fit what is left of the budget. "provider": the
            provider is unavailable, limits the rate, or does not accept this key.
        detail: more about it, at most `MAX_DETAIL_CHARS` characters.
        tokens: how many tokens this article has used, over all of its requests.
    """

    reason: Literal["budget", "provider"]
    detail: str
    tokens: int


Outcome = Summary | DeadLetter | Postponed
"""How the work on one article can end."""
