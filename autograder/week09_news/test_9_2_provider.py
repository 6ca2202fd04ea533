"""9.2: errors of the provider, and the tokens that an article uses.

What a submission could fake:
- counts: requests are counted in the provider's journal, and each has an answer of its own.
- witness: the journal. A request under another key gets another answer, which no check expects.
- place: tokens, texts, budgets, statuses and the hosts of links are random. The forms of a bad answer
  are known, and the given `Draft` rejects them.
- store: nothing is stored, and only the outcome counts.
- probe: none: the provider's stand-in answers in the calling process as it does in a worker.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from autograder.sdk import Fault, OpenAIControl, Student, fail, made
from autograder.week09_news.model_answers import (
    CALL_SECONDS,
    PLENTY,
    SUMMARIES,
    Reply,
    bad,
    draft,
    estimate,
    good,
    kind,
    news,
    outcome,
    word,
    words,
)

pytestmark = pytest.mark.item("9.2")

MAX_DETAIL_CHARS = 300
AT_ONCE_SECONDS = 8.0
"""No wait may be hidden in a call: the provider asks for 12 seconds."""


def summarised(
    student: Student, openai: OpenAIControl, rng: Random, sent: str, *faults: Fault
) -> dict[str, Any]:
    """The outcome for an article whose requests are answered like this."""
    openai.clear()
    openai.script(*faults)
    answer = student.ask(SUMMARIES, "summarise", news(rng).made(), PLENTY, timeout=CALL_SECONDS)
    value = outcome(
        sent, answer, "an error of the provider must become an outcome: no error leaves"
    )
    if answer.seconds > AT_ONCE_SECONDS:
        fail(
            sent=sent,
            expected="an outcome at once",
            got=f"{answer.seconds:.1f} s",
            cause="the function waits before it returns: the next run sends the request again",
        )
    return value


def error(status: int, text: str) -> Fault:
    """An error of the provider with this message."""
    record = {"message": text, "type": "invalid_request_error", "param": None, "code": None}
    return Fault.status(status, body=json.dumps({"error": record}), on="chat")


def check_one_request(
    sent: str, openai: OpenAIControl, requests: int, value: dict[str, Any]
) -> None:
    """Check that nothing was sent again."""
    if (count := len(openai.journal("chat"))) != requests:
        fail(
            sent=sent,
            expected=f"{requests} request(s)",
            got=f"{count} requests, and {kind(value)}",
            cause="only a bad answer is asked for again. After an error the next run tries it: with two "
            "layers of retries an outage gets many times the requests",
        )


def check_end(sent: str, value: dict[str, Any], reason: str, tokens: int, cause: str) -> None:
    """Check reason, tokens and detail."""
    name = "DeadLetter" if reason == "request" else "Postponed"
    if value.get("reason") != reason:
        fail(sent=sent, expected=f"{name} ({reason})", got=kind(value), cause=cause)
    if value["tokens"] != tokens:
        fail(
            sent=sent,
            expected=f"{tokens} tokens",
            got=f"{value['tokens']} tokens",
            cause="an error answer adds no tokens, and the answers before it count",
        )
    if not 0 < len(value["detail"]) <= MAX_DETAIL_CHARS:
        fail(
            sent=sent,
            expected=f"a detail of 1 to {MAX_DETAIL_CHARS} characters",
            got=f"{len(value['detail']):,} characters",
            cause="an operator reads the detail in a list, so it is neither empty nor a page",
        )


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_the_provider_rejects(
    student: Student, openai: OpenAIControl, rng: Random, status: int
) -> None:
    """m, o, p: at once, and after a bad answer. The message of the provider is short or long."""
    cause = "400, 413 and 422 are about this request (`REJECTED_STATUSES`): it would fail each time"
    for count in (4, 200):
        sent = f"summarise(article), answered with {status} and a message of {count} words"
        value = summarised(student, openai, rng, sent, error(status, words(rng, count)))
        check_one_request(sent, openai, 1, value)
        check_end(sent, value, "request", 0, cause)
    sent = f"summarise(article), answered with prose, and then with {status}"
    value = summarised(student, openai, rng, sent, bad(57).fault(), Fault.status(status))
    check_one_request(sent, openai, 2, value)
    check_end(sent, value, "request", 57, cause)


OUTAGES = {
    "401": Fault.status(401),
    "403": Fault.status(403),
    "404": Fault.status(404),
    "409": Fault.status(409),
    "429 with Retry-After: 12": Fault.status(429, retry_after=12),
    "429 because of the quota": Fault.quota(),
    "500": Fault.status(500),
    "503 with Retry-After: 12": Fault.status(503, retry_after=12),
    "a connection that breaks": Fault.drop(),
    "a client error that is drawn": None,
    "a server error that is drawn": None,
}
DRAWN = {
    "a client error that is drawn": [n for n in range(400, 500) if n not in (400, 413, 422)],
    "a server error that is drawn": [*range(500, 600)],
}


@pytest.mark.parametrize("what", OUTAGES)
def test_an_outage_or_a_limit(
    student: Student, openai: OpenAIControl, rng: Random, what: str
) -> None:
    """n, o, p: at once, and after a bad answer. The request after it would succeed."""
    cause = "the article is not at fault, so it stays open for the next run: return Postponed"
    status = rng.choice(DRAWN.get(what, [0]))
    fault = OUTAGES[what] or Fault.status(status)
    what = f"{status}" if status else what
    sent = f"summarise(article), answered with {what}"
    value = summarised(student, openai, rng, sent, fault, good(rng).fault())
    check_one_request(sent, openai, 1, value)
    check_end(sent, value, "provider", 0, cause)
    sent = f"summarise(article), answered with prose, and then with {what}"
    value = summarised(student, openai, rng, sent, bad(83).fault(), fault, good(rng).fault())
    check_one_request(sent, openai, 2, value)
    check_end(sent, value, "provider", 83, cause)


def test_a_long_message_of_an_outage(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """p: the message of the error is a page."""
    sent = "summarise(article), answered with 503 and a message of 200 words"
    value = summarised(student, openai, rng, sent, error(503, words(rng, 200)))
    check_end(sent, value, "provider", 0, "return Postponed")


def test_postponed_is_a_class(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """j, n: the caller tells the outcomes apart by their classes."""
    for name, left, faults in (
        ("Postponed", 0, []),
        ("Postponed", PLENTY, [Fault.status(503)]),
        ("DeadLetter", PLENTY, [Fault.status(400)]),
    ):
        openai.clear()
        openai.script(*faults)
        module = made("importlib", "import_module", "pipeline.news.models_summary")
        value = made(SUMMARIES, "summarise", news(rng).made(), left)
        answer = student.ask(
            "builtins", "isinstance", value, made("builtins", "getattr", module, name)
        )
        if answer.value is not True:
            fail(
                sent=f"isinstance(summarise(article, {left:,}), {name})",
                expected="True",
                got=answer.value if answer.ok else f"{answer.error}: {answer.message}",
                cause=f"return an object of the class {name}",
            )


# -- tokens ----------------------------------------------------------------------------------


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": None}, {"total_tokens": -5}])
def test_an_answer_without_a_usable_count(
    student: Student, openai: OpenAIControl, rng: Random, usage: Any
) -> None:
    """o: the estimate counts instead, for a bad answer and a good one."""
    content = draft(f"The {words(rng, 5)}.", [word(rng)])
    sent = f"summarise(article), answered with prose, and then well, each with the usage {usage}"
    replies = (Reply("The boat.", usage=usage), Reply(content, usage=usage))
    value = summarised(student, openai, rng, sent, *(reply.fault() for reply in replies))
    expected = sum(estimate(entry) for entry in openai.journal("chat"))
    check_tokens(sent, value, expected, "two estimates, because the provider names no tokens")


def test_an_answer_that_is_no_completion(
    student: Student, openai: OpenAIControl, rng: Random
) -> None:
    """l, o: status 200 without JSON, and JSON without a choice. The second answer is good."""
    empty = Fault.status(200, body='{"object": "chat.completion", "choices": []}', on="chat")
    for what, fault in (("half of a JSON object", Fault.garbage()), ("no choice", empty)):
        sent = f"summarise(article), answered with 200 and {what}, and then well"
        value = summarised(student, openai, rng, sent, fault, good(rng, 95).fault())
        entries = openai.journal("chat")
        if len(entries) != 2 or "summary" not in value:
            fail(
                sent=sent,
                expected="two requests, and a Summary",
                got=f"{len(entries)} request(s), and {kind(value)}",
                cause="`ask` raises `BadAnswer` too: catch it where you catch that of `read_answer`",
            )
        expected = estimate(entries[0]) + 95
        check_tokens(
            sent, value, expected, "the estimate for the first answer, and 95 for the second"
        )


def check_tokens(sent: str, value: dict[str, Any], expected: int, why: str) -> None:
    if "summary" not in value or value["tokens"] != expected:
        fail(
            sent=sent,
            expected=f"a Summary with {expected} tokens: {why}",
            got=kind(value),
            cause="if `used_tokens` is None, or `ask` has raised `BadAnswer`, count the estimate: what "
            "is not counted is spent without a limit",
        )
