"""9.2: the budget of tokens, for one article and for a run."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import (
    Answer,
    CheckFailed,
    Fault,
    OpenAIControl,
    Student,
    fail,
    failure_card,
    made,
)
from autograder.week09_news.model_answers import (
    CALL_SECONDS,
    PLENTY,
    SUMMARIES,
    News,
    bad,
    estimate,
    good,
    is_outcome,
    kind,
    news,
    outcome,
)

pytestmark = pytest.mark.item("9.2")

NEVER = "an article that must not be taken"


@pytest.fixture
def estimated(student: Student, openai: OpenAIControl, rng: Random) -> int:
    """The estimate for each article of `news(rng)`: all of them are as long."""
    openai.clear()
    openai.script(good(rng).fault())
    sent = "summarise(article), with a budget that never ends"
    outcome(sent, student.ask(SUMMARIES, "summarise", news(rng).made(), PLENTY))
    entries = openai.journal("chat")
    if not entries:
        fail(sent=sent, expected="a request", got="none")
    return estimate(entries[0])


def check_requests(sent: str, openai: OpenAIControl, expected: int, cause: str) -> None:
    if (count := len(openai.journal("chat"))) != expected:
        fail(sent=sent, expected=f"{expected} request(s)", got=f"{count}", cause=cause)


def test_the_first_request_must_fit(
    student: Student, openai: OpenAIControl, rng: Random, estimated: int
) -> None:
    """j: the estimate is exactly what is left, or a token more."""
    for left in (estimated, estimated - 1, 0, -7):
        openai.clear()
        openai.script(good(rng).fault())
        sent = f"summarise(article, {left:,}), where a request may use {estimated:,} tokens"
        value = outcome(sent, student.ask(SUMMARIES, "summarise", news(rng).made(), left))
        if left == estimated:
            check_requests(sent, openai, 1, "exactly what is left is allowed")
            continue
        check_requests(sent, openai, 0, "compare the estimate with what is left before you send")
        check_postponed(sent, value, 0)


def test_an_answer_that_cost_nothing(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """o: the provider has counted 0 tokens. That is a number, and not a missing one."""
    openai.clear()
    openai.script(good(rng, 0).fault())
    sent = "summarise(article), answered with `total_tokens` 0"
    value = outcome(sent, student.ask(SUMMARIES, "summarise", news(rng).made(), PLENTY))
    if value["tokens"] != 0:
        cause = "take the estimate only if `used_tokens` is None: 0 is false in a condition"
        fail(sent=sent, expected="0 tokens", got=f"{value['tokens']} tokens", cause=cause)


def test_a_client_without_a_key(student: Student, rng: Random) -> None:
    """n: the error has no answer of the provider, because nothing was sent."""
    error = made("openai", "OpenAIError", "The api_key client option must be set")
    module = made("importlib", "import_module", SUMMARIES)
    student.call(
        "builtins", "setattr", module, "ask", made("unittest.mock", "Mock", side_effect=error)
    )
    sent = (
        "summarise(article), where the request raises an `openai.OpenAIError` that is no `APIError`"
    )
    try:
        answer = student.ask(SUMMARIES, "summarise", news(rng).made(), PLENTY)
    finally:
        student.renew()
    value = outcome(
        sent, answer, "catch `openai.OpenAIError`: not all of its classes have an answer"
    )
    if value.get("reason") != "provider":
        cause = "the article is not to blame, so it stays open"
        fail(sent=sent, expected="Postponed (provider)", got=kind(value), cause=cause)


def check_postponed(sent: str, value: dict[str, Any], tokens: int) -> None:
    if value.get("reason") != "budget" or value["tokens"] != tokens:
        fail(
            sent=sent,
            expected=f"Postponed (budget) with {tokens} tokens",
            got=kind(value),
            cause="the article stays open, and what its requests have used is counted",
        )
    if not 0 < len(value["detail"]) <= 300:
        fail(sent=sent, expected="a detail of 1 to 300 characters", got=repr(value["detail"][:100]))


def test_the_second_request_must_fit_too(
    student: Student, openai: OpenAIControl, rng: Random, estimated: int
) -> None:
    """j, o: the first answer is bad, and has used tokens."""
    used = rng.randint(100, estimated - 100)
    for left in (estimated + used, estimated + used - 1):
        openai.clear()
        openai.script(bad(used).fault(), good(rng, 50).fault())
        sent = (
            f"summarise(article, {left:,}), where a request may use {estimated:,} tokens, and the "
            f"first one has used {used:,}"
        )
        value = outcome(sent, student.ask(SUMMARIES, "summarise", news(rng).made(), left))
        if left == estimated + used:
            check_requests(
                sent, openai, 2, "subtract what was used (`used_tokens`), not the estimate"
            )
            continue
        check_requests(sent, openai, 1, "check before each request, without what was used already")
        check_postponed(sent, value, used)


# -- a run -----------------------------------------------------------------------------------


def articles(*taken: News, then_never: bool = True) -> dict[str, Any]:
    """An iterator in the student's process. Taking more than these articles raises a ValueError."""
    real = [one.made() for one in taken]
    integer = made("builtins", "getattr", made("importlib", "import_module", "builtins"), "int")
    never = made("builtins", "map", integer, [NEVER])
    return made("itertools", "chain", real, never) if then_never else made("builtins", "iter", real)


def ran(sent: str, answer: Answer, taken: list[News], cause: str) -> list[dict[str, Any]]:
    """The outcomes that `summarise_all` yielded, one for each of these articles."""
    if not answer.ok and NEVER in answer.message:
        fail(
            sent=sent,
            expected=f"{len(taken)} article(s) taken",
            got="one more article taken",
            cause=cause,
        )
    if not answer.ok:
        raise CheckFailed(failure_card(sent, answer))
    pairs = answer.value
    right = isinstance(pairs, list) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and isinstance(pair[0], dict)
        and is_outcome(pair[1])
        for pair in pairs
    )
    if not right:
        fail(sent=sent, expected="pairs of an article and its outcome", got=pairs)
    if len(pairs) < len(taken):
        cause = (
            "an outcome is missing: yield a Postponed too, because the caller releases its claim. A dead "
            "letter does not end the run"
        )
    if [pair[0].get("url") for pair in pairs] != [one.url for one in taken]:
        fail(
            sent=sent,
            expected=f"outcomes of {len(taken)} article(s), in the order of the articles",
            got=f"outcomes of {len(pairs)} article(s): {[kind(pair[1]) for pair in pairs]}",
            cause=cause,
        )
    return [pair[1] for pair in pairs]


def run_all(student: Student, iterator: dict[str, Any], budget: int) -> Answer:
    """All that `summarise_all` yields, as a list."""
    value = made(SUMMARIES, "summarise_all", iterator, budget)
    return student.ask("builtins", "list", value, timeout=CALL_SECONDS)


def test_an_article_is_taken_when_the_one_before_is_done(
    student: Student, openai: OpenAIControl, rng: Random
) -> None:
    """q: the first pair is there before the second article is taken."""
    openai.clear()
    one = news(rng)
    openai.script(good(rng).fault())
    value = made(SUMMARIES, "summarise_all", articles(one), PLENTY)
    sent = "next(summarise_all(articles, budget)): the first pair alone"
    answer = student.ask("builtins", "next", value)
    if answer.ok:
        answer = Answer(ok=True, value=[answer.value], seconds=answer.seconds)
    cause = "an article is claimed when it is taken: yield the outcome before you take the next one"
    ran(sent, answer, [one], cause)


def test_all_articles_get_their_outcome(
    student: Student, openai: OpenAIControl, rng: Random
) -> None:
    """q, r: the budget is large, so the run ends with the articles. Dead letters do not end it."""
    openai.clear()
    three = [news(rng) for _ in range(3)]
    replies = [good(rng, 11), bad(12), bad(13), good(rng, 14)]
    openai.script(*(reply.fault() for reply in replies))
    sent = "summarise_all(3 articles): a good answer, two bad ones, a good one"
    answer = run_all(student, articles(*three, then_never=False), PLENTY)
    values = ran(sent, answer, three, "a dead letter does not end the run")
    if [value["tokens"] for value in values] != [11, 25, 14]:
        fail(sent=sent, expected="11, 25 and 14 tokens", got=[value["tokens"] for value in values])
    sent = "summarise_all(no articles)"
    ran(sent, run_all(student, articles(then_never=False), PLENTY), [], "nothing to do")


def test_the_run_ends_at_the_budget(
    student: Student, openai: OpenAIControl, rng: Random, estimated: int
) -> None:
    """r, s: the third article fits exactly, or it lacks one token. The one before is a dead letter."""
    used = [rng.randint(50, 300) for _ in range(3)]
    for missing in (0, 1):
        openai.clear()
        replies = [good(rng, used[0]), bad(used[1]), bad(used[2])]
        openai.script(*(reply.fault() for reply in replies), good(rng, estimated - 1).fault())
        taken = [news(rng) for _ in range(3 + (not missing))]
        budget = sum(used) + estimated - missing
        sent = (
            f"summarise_all(articles, {budget:,}): requests use {used[0]}, {used[1]} and {used[2]} "
            f"tokens, and each may use {estimated:,}"
        )
        cause = (
            "the budget is for the whole run: subtract the tokens of each outcome, dead letters "
            "included, and end after the first Postponed"
        )
        values = ran(sent, run_all(student, articles(*taken), budget), taken, cause)
        check_requests(sent, openai, 3 + (not missing), cause)
        check_postponed(sent, values[-1], 0)


@pytest.mark.parametrize("place", [0, 1])
def test_the_run_ends_when_the_provider_fails(
    student: Student, openai: OpenAIControl, rng: Random, place: int
) -> None:
    """s: the first or the second article meets the outage. The next one must not be taken."""
    openai.clear()
    taken = [news(rng) for _ in range(place + 1)]
    openai.script(*(good(rng).fault() for _ in range(place)), Fault.status(503))
    sent = f"summarise_all(articles), where request {place + 1} is answered with 503"
    cause = "after a Postponed the run ends: yield it, and take no further article"
    values = ran(sent, run_all(student, articles(*taken), PLENTY), taken, cause)
    if values[-1].get("reason") != "provider":
        fail(sent=sent, expected="Postponed (provider) as the last outcome", got=kind(values[-1]))
