"""Articles to summarise, what the model answers, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from autograder.sdk import Answer, CheckFailed, Fault, JournalEntry, fail, failure_card, made

SUMMARIES = "pipeline.news.summaries"
MODEL = "gpt-4o-mini"
PLENTY = 1_000_000
"""A budget that never ends."""
BESIDE_THE_TEXTS = 200 + 400
"""What an estimate counts beside the texts: the overhead, and the longest answer."""
CALL_SECONDS = 30.0
POSTPONED = ("budget", "provider")


def word(rng: Random) -> str:
    """A random word that occurs in no other text. All words have the same length."""
    return f"{rng.choice('bdfgklmnprst')}{rng.getrandbits(40):010x}"


def words(rng: Random, count: int) -> str:
    """Random words. As many of them always have the same length."""
    return " ".join(word(rng) for _ in range(count))


@dataclass(frozen=True)
class News:
    """An article, on the grader's side."""

    title: str
    text: str
    article_id: str

    @property
    def url(self) -> str:
        """Its address, which no other article has."""
        return f"https://news.example/{self.article_id}"

    def made(self) -> dict[str, Any]:
        """The argument: an `Article` in the student's process."""
        when = made("datetime", "datetime.fromisoformat", "2026-03-01T08:00:00+00:00")
        return made(
            "pipeline.news.models",
            "Article",
            article_id=made("uuid", "UUID", self.article_id),
            url=self.url,
            title=self.title,
            text=self.text,
            published_at=when,
            seen_at=when,
        )


def news(rng: Random, title: str | None = None, text: str | None = None) -> News:
    """An article. Without a title and a text it is as long as every other one."""
    return News(
        words(rng, 4) if title is None else title,
        f"{words(rng, 8)}. {words(rng, 12)}." if text is None else text,
        str(UUID(int=rng.getrandbits(128), version=4)),
    )


def estimate(entry: JournalEntry) -> int:
    """The most tokens that this request may use, as the given `estimate_request` counts them."""
    return sum(len(text.encode()) for text in entry.inputs) + BESIDE_THE_TEXTS


# -- what the model answers ------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """A completion, every part of it as the grader wants it."""

    content: str | None
    finish: str = "stop"
    refusal: str | None = None
    usage: Any = field(default_factory=lambda: {"total_tokens": 321})

    def fault(self) -> Fault:
        """The script: the next chat is answered with this completion."""
        message = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        body = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_770_000_000,
            "model": f"{MODEL}-2024-07-18",  # a service says which version has answered
            "choices": [choice],
            "usage": self.usage,
        }
        return Fault.status(200, body=json.dumps(body), on="chat")


def draft(summary: str, topics: Sequence[str], **more: Any) -> str:
    """The JSON of an answer."""
    return json.dumps({"summary": summary, "topics": list(topics), **more})


def good(rng: Random, tokens: int = 321) -> Reply:
    """An answer that is right."""
    topics = [word(rng), word(rng)]
    return Reply(draft(f"The {words(rng, 5)}.", topics), usage={"total_tokens": tokens})


def bad(tokens: int = 321) -> Reply:
    """An answer that is no JSON."""
    return Reply("Here is the summary.", usage={"total_tokens": tokens})


# -- what came of it -------------------------------------------------------------------------


def outcome(sent: str, answer: Answer, cause: str = "") -> dict[str, Any]:
    """The outcome that a call returned: it must not raise."""
    if not answer.ok:
        if answer.error == "NotImplementedError" or not cause:
            raise CheckFailed(failure_card(sent, answer))
        fail(
            sent=sent,
            expected="an outcome: Summary, DeadLetter or Postponed",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause=cause,
        )
    value: dict[str, Any] = answer.value
    if not is_outcome(value):
        fail(
            sent=sent,
            expected="an outcome: Summary, DeadLetter or Postponed",
            got=value,
            cause="return an object of one of these three classes of `models_summary`",
        )
    return value


def is_outcome(value: Any) -> bool:
    """Whether this is one of the three classes, with values of the right types."""
    if not isinstance(value, dict) or type(value.get("tokens")) is not int:
        return False
    if set(value) == {"reason", "detail", "tokens"}:
        return isinstance(value["reason"], str) and isinstance(value["detail"], str)
    return set(value) == {"summary", "topics", "model", "tokens"}


def kind(value: dict[str, Any]) -> str:
    """What an outcome is, in words for a card."""
    if "summary" in value:
        return f"a Summary with {value['tokens']} tokens"
    name = "Postponed" if value["reason"] in POSTPONED else "DeadLetter"
    return f"{name} ({value['reason']}) with {value['tokens']} tokens"
