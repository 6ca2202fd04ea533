"""9.2: an answer of the model is checked before anything believes it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import Fault, OpenAIControl, Student, fail
from autograder.week09_news.model_answers import (
    MODEL,
    PLENTY,
    SUMMARIES,
    Reply,
    draft,
    good,
    kind,
    news,
    outcome,
    word,
    words,
)

pytestmark = pytest.mark.item("9.2")

MAX_SUMMARY_CHARS, MAX_TOPICS, MAX_TOPIC_CHARS = 600, 5, 40
MAX_DETAIL_CHARS = 300


def summarised(
    student: Student, openai: OpenAIControl, rng: Random, sent: str, *faults: Fault
) -> dict[str, Any]:
    """The outcome for an article whose requests are answered like this."""
    openai.clear()
    openai.script(*faults)
    article = news(rng).made()
    value = outcome(sent, student.ask(SUMMARIES, "summarise", article, PLENTY))
    if (count := len(openai.journal("chat"))) > 2:
        fail(
            sent=sent,
            expected="at most two requests",
            got=f"{count} requests, and {kind(value)}",
            cause="an article gets at most `MAX_REQUESTS` requests: each costs tokens",
        )
    return value


def must_be_dead(sent: str, value: dict[str, Any], reason: str, cause: str) -> None:
    """Check that the outcome is a dead letter with this reason, and with a detail."""
    if value.get("reason") != reason:
        fail(
            sent=sent,
            expected=f"a DeadLetter with the reason {reason}",
            got=kind(value),
            cause=cause,
        )
    if not 0 < len(value["detail"]) <= MAX_DETAIL_CHARS:
        fail(
            sent=sent,
            expected=f"a detail of 1 to {MAX_DETAIL_CHARS} characters",
            got=f"{len(value['detail']):,} characters: {value['detail'][:100]!r}",
            cause="an operator reads the detail in a list, so it is neither empty nor a page",
        )


# -- answers that are right ------------------------------------------------------------------


def right_answers(rng: Random) -> dict[str, tuple[str, list[str]]]:
    """Answers that must be accepted: the summary, and the topics."""
    return {
        "an ordinary answer": (f"The {words(rng, 6)}.", [word(rng), word(rng)]),
        "the longest answer": (
            words(rng, 60)[: MAX_SUMMARY_CHARS - 1] + ".",
            [(word(rng) * 4)[:MAX_TOPIC_CHARS] for _ in range(MAX_TOPICS)],
        ),
        "the shortest answer": ("!", ["x"]),
        "signs that no link has": (
            f"It ended 3:2, e.g. and/or; 5 @ 7 \u2013 \u201c{word(rng)}\u201d:\nc'est l'été 🛟.",
            ["r&d", "a/b"],
        ),
    }


@pytest.mark.parametrize("what", right_answers(Random(0)))  # noqa: S311 - only the names
def test_answers_that_are_right(
    student: Student, openai: OpenAIControl, rng: Random, what: str
) -> None:
    """g, h, i, k: they become the summary at once. The model is the one that was asked for."""
    summary, topics = right_answers(rng)[what]
    sent = f"summarise(article), answered with {what}"
    value = summarised(student, openai, rng, sent, Reply(draft(summary, topics)).fault())
    expected = {"summary": summary, "topics": topics, "model": MODEL, "tokens": 321}
    check_summary(sent, value, expected)
    if (count := len(openai.journal("chat"))) != 1:
        fail(sent=sent, expected="one request", got=f"{count} requests")


def check_summary(sent: str, value: dict[str, Any], expected: dict[str, Any]) -> None:
    """Check all attributes of a summary."""
    if "summary" not in value:
        fail(
            sent=sent,
            expected="a Summary",
            got=f"{kind(value)}: {value['detail'][:200]}",
            cause="a valid answer was rejected",
        )
    causes = {
        "summary": "the summary is the one of the answer, as `Draft` has it",
        "topics": "topics are in lower case (`lower`), each once, in the order of the answer",
        "model": "the model is `summary_settings().chat_model`",
        "tokens": "count `usage.total_tokens` of the answer (`used_tokens`)",
    }
    for name, cause in causes.items():
        if value[name] != expected[name]:
            got = f"{name}: {value[name]!r}"
            fail(sent=sent, expected=f"{name}: {expected[name]!r}", got=got, cause=cause)


def test_topics_are_in_lower_case_and_different(
    student: Student, openai: OpenAIControl, rng: Random
) -> None:
    """i: the same topic comes in several cases. White space at the ends is not part of a text."""
    first, second, third = (f"{letter}{word(rng)}" for letter in "zyx")
    sharp = f"straße {word(rng)}"
    topics = [first.upper(), second, f" {first} ", third.capitalize(), sharp.capitalize()]
    summary = f"The {words(rng, 4)}."
    sent = f"summarise(article), answered with the topics {topics}"
    reply = Reply(draft(f"  {summary}\n", topics))
    value = summarised(student, openai, rng, sent, reply.fault())
    topics = [first, second, third, sharp]
    expected = {"summary": summary, "topics": topics, "model": MODEL, "tokens": 321}
    check_summary(sent, value, expected)


# -- answers that are not --------------------------------------------------------------------


def bad_answers(rng: Random) -> dict[str, str | None]:
    """Contents that must be rejected as invalid."""
    good_one = draft(f"The {words(rng, 5)}.", [word(rng)])
    topic = word(rng)
    return {
        "prose": f"Here is the summary: the {words(rng, 5)}.",
        "JSON in a Markdown fence": f"```json\n{good_one}\n```",
        "half of the JSON": good_one[: len(good_one) // 2],
        "JSON twice": good_one * 2,
        "an empty content": "",
        "no content": None,
        "a list": f"[{good_one}]",
        "null": "null",
        "other keys": '{"headline": "News", "body": "The boat."}',
        "no topics": '{"summary": "The boat."}',
        "a key too many": draft("The boat.", [topic], action="mail"),
        "a number as summary": f'{{"summary": 7, "topics": ["{topic}"]}}',
        "topics as one text": f'{{"summary": "The boat.", "topics": "{topic}"}}',
        "a number as topic": f'{{"summary": "The boat.", "topics": ["{topic}", 7]}}',
        "an empty list of topics": draft("The boat.", []),
        "six topics": draft("The boat.", [word(rng) for _ in range(6)]),
        "an empty topic": draft("The boat.", [topic, " "]),
        "a summary of blanks": draft(" \n ", [topic]),
        "a summary of 601 characters": draft("x" * 601, [topic]),
        "a topic of 41 characters": draft("The boat.", ["x" * 41]),
        "a NUL in the summary": draft("The\0 boat.", [topic]),
    }


@pytest.mark.parametrize("what", bad_answers(Random(0)))  # noqa: S311 - only the names
def test_answers_that_do_not_fit(
    student: Student, openai: OpenAIControl, rng: Random, what: str
) -> None:
    """g, l, p: the same answer comes twice, so the article becomes a dead letter."""
    content = bad_answers(rng)[what]
    sent = f"summarise(article), answered twice with {what}: {str(content)[:120]!r}"
    reply = Reply(content).fault()
    value = summarised(student, openai, rng, sent, reply, reply)
    cause = (
        "read the content with `Draft.model_validate_json`, and use nothing of what does not fit"
    )
    must_be_dead(sent, value, "invalid", cause)


def test_a_truncated_answer(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """f: half of the JSON, and JSON that is valid by chance."""
    whole = draft(f"The {words(rng, 5)}.", [word(rng)])
    for content in (whole[: len(whole) // 2], whole, ""):
        sent = (
            f"summarise(article), answered twice with the finish_reason length and {content[:80]!r}"
        )
        reply = Reply(content, finish="length").fault()
        value = summarised(student, openai, rng, sent, reply, reply)
        cause = "`finish_reason` is length: the answer reached the limit of tokens and has no end"
        must_be_dead(sent, value, "truncated", cause)


def test_a_refusal(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """e, p: the model refuses, also at great length, or the provider's filter has removed the answer."""
    text = f"I can't help with {words(rng, 3)}."
    long = f"I can't help with {words(rng, 90)}."
    valid = draft(f"The {words(rng, 5)}.", [word(rng)])
    replies = {
        "a refusal": Reply(None, refusal=text),
        "a refusal beside a valid content": Reply(valid, refusal=text),
        "a refusal, and the finish_reason length": Reply(None, finish="length", refusal=text),
        "a refusal of 1,000 characters": Reply(None, refusal=long),
        "the finish_reason content_filter": Reply(valid, finish="content_filter"),
        "the finish_reason content_filter and no content": Reply(None, finish="content_filter"),
    }
    for what, reply in replies.items():
        sent = f"summarise(article), answered twice with {what}"
        value = summarised(student, openai, rng, sent, reply.fault(), reply.fault())
        cause = "a refusal is in `message.refusal`, and a filtered answer has `content_filter`"
        must_be_dead(sent, value, "refusal", cause)
        if reply.refusal and reply.refusal[:40] not in value["detail"]:
            fail(
                sent=sent,
                expected=f"a detail with the text of the refusal: {reply.refusal[:60]!r}",
                got=value["detail"],
                cause="an operator must see why the model has refused",
            )


DOMAINS = ("com", "org", "net", "de", "io", "news", "info", "co.uk")
UNSAFE = (
    "https://{host}/{word}",
    "HTTP://{host}/{word}",
    "ftp://{host}",
    "www.{host}",
    "{word}@{host}",
)


@pytest.mark.parametrize("where", ["summary", "topics"])
def test_links_and_addresses(
    student: Student, openai: OpenAIControl, rng: Random, where: str
) -> None:
    """h: the model has obeyed the article, and the answer fits the schema."""
    for form in UNSAFE:
        host = f"{word(rng)[:9]}.{rng.choice(DOMAINS)}"
        link = form.format(word=word(rng)[:9], host=host)
        summary = f"Read {link} at once." if where == "summary" else "Read this at once."
        topics = [word(rng), link] if where == "topics" else [word(rng)]
        sent = f"summarise(article), answered twice with {draft(summary, topics)}"
        reply = Reply(draft(summary, topics)).fault()
        value = summarised(student, openai, rng, sent, reply, reply)
        cause = f"the article can plant a link or an address: search for them in the {where} too"
        must_be_dead(sent, value, "unsafe", cause)


def test_the_second_answer_counts(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """l, o: after each kind of bad answer the second one is good. Both count."""
    summary, topics = f"The {words(rng, 5)}.", [word(rng)]
    valid = draft(summary, topics)
    bad = {
        "prose": Reply("The boat."),
        "a refusal": Reply(None, refusal="No."),
        "a truncated answer": Reply(valid, finish="length"),
        "a link": Reply(draft("See https://evil.example", topics)),
    }
    for what, reply in bad.items():
        sent = f"summarise(article), answered with {what}, and then well"
        second = Reply(valid, usage={"total_tokens": 200})
        value = summarised(student, openai, rng, sent, reply.fault(), second.fault())
        if "summary" not in value or len(openai.journal("chat")) != 2:
            fail(
                sent=sent,
                expected="two requests, and a Summary",
                got=f"{len(openai.journal('chat'))} requests, and {kind(value)}",
                cause="an article gets `MAX_REQUESTS` requests: a model often does better the second time",
            )
        expected = {"summary": summary, "topics": topics, "model": MODEL, "tokens": 521}
        check_summary(sent, value, expected)


def test_the_last_answer_is_the_reason(
    student: Student, openai: OpenAIControl, rng: Random
) -> None:
    """l, o: two bad answers of different kinds. A third one would be good."""
    refusal, prose = Reply(None, refusal="No."), Reply("The boat.", usage={"total_tokens": 79})
    for first, second, reason in ((refusal, prose, "invalid"), (prose, refusal, "refusal")):
        sent = "summarise(article), answered with two different bad answers"
        third = good(rng)
        faults = (first.fault(), second.fault(), third.fault())
        value = summarised(student, openai, rng, sent, *faults)
        must_be_dead(sent, value, reason, "reason and detail are those of the last bad answer")
        if value["tokens"] != 400:
            fail(
                sent=sent,
                expected="400 tokens: 321 and 79",
                got=f"{value['tokens']} tokens",
                cause="bad answers are paid for too: add up all of them",
            )
