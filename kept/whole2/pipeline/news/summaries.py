"""Summaries by a language model: a request that keeps the article apart from the instructions, an answer
that is checked, and a budget of tokens for each run.

An article is text of a stranger. It may ask the model to do something else, and the model may obey. So the
request marks where the article is, and nothing is believed that comes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import openai
from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion import Choice
from pydantic import ValidationError

from pipeline.news.models import Article
from pipeline.news.models_summary import (
    BadAnswer,
    DeadLetter,
    Draft,
    Outcome,
    Postponed,
    Reason,
    Summary,
)
from pipeline.news.summary_settings import (
    CLOSE,
    INSTRUCTIONS,
    LINK,
    MAX_DETAIL_CHARS,
    MAX_REQUESTS,
    MAX_TEXT_CHARS,
    MAX_TITLE_CHARS,
    OPEN,
    REJECTED_STATUSES,
    Messages,
    ask,
    estimate_request,
    summary_settings,
    used_tokens,
)


MARKER = re.compile("|".join(map(re.escape, (OPEN, CLOSE))), re.IGNORECASE)


def without_markers(text: str) -> str:
    """Write `[article]` for each marker. A bracket is in no marker, so no new one can arise."""
    return MARKER.sub(lambda found: f"[{found[0][1:-1]}]", text)


def messages_for(article: Article) -> Messages:
    """Write the messages that ask for the summary of an article.

    Args:
        article: its title and text come from a feed, so they are not trusted.

    Returns:
        Two messages: the instructions, and the article.
    """
    title = without_markers(article.title[:MAX_TITLE_CHARS])
    text = without_markers(article.text[:MAX_TEXT_CHARS])
    return [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": f"{OPEN}\n{title}\n\n{text}\n{CLOSE}"},
    ]


def check_end(choice: Choice) -> None:
    """Return if the model has answered, and has come to an end. Otherwise raise BadAnswer."""
    refusal = choice.message.refusal
    if refusal or choice.finish_reason == "content_filter":
        raise BadAnswer(Reason.REFUSAL, refusal or "the provider's filter removed the answer")
    if choice.finish_reason == "length":
        raise BadAnswer(Reason.TRUNCATED, "the answer has no end")


def unique(texts: Iterable[str]) -> list[str]:
    """Return each text once, in the order in which they come first."""
    return list(dict.fromkeys(texts))


def read_answer(completion: ChatCompletion) -> Draft:
    """Check the model's answer.

    Args:
        completion: what `ask` has returned. Its `choices[0].message` exists.

    Returns:
        The answer. Its topics are in lower case, and each of them is there once.

    Raises:
        BadAnswer: the answer cannot be used, and `reason` says why.
    """
    choice = completion.choices[0]
    check_end(choice)
    try:
        draft = Draft.model_validate_json(choice.message.content or "")
    except ValidationError as error:
        raise BadAnswer(Reason.INVALID, str(error)) from error
    topics = unique(topic.lower() for topic in draft.topics)
    if any(LINK.search(text) for text in [draft.summary, *draft.topics]):
        raise BadAnswer(Reason.UNSAFE, f"a link or a mail address: {draft.summary} {draft.topics}")
    return draft.model_copy(update={"topics": topics})


def detail_of(text: str) -> str:
    """Return what an operator reads: a text that is short, and not empty."""
    return (text.strip() or "no detail")[:MAX_DETAIL_CHARS]


def billed_tokens(completion: ChatCompletion, estimate: int) -> int:
    """Return what an answer costs: the estimate, if the provider does not say."""
    tokens = used_tokens(completion)
    return estimate if tokens is None else tokens


def one_request(messages: Messages, estimate: int) -> tuple[Draft | BadAnswer, int]:
    """Send one request. Return the checked answer, or what is wrong with it, and the tokens it has cost.

    Raises:
        openai.OpenAIError: there is no answer.
    """
    tokens = estimate
    try:
        completion = ask(messages)
        tokens = billed_tokens(completion, estimate)
        return read_answer(completion), tokens
    except BadAnswer as bad:
        return bad, tokens


def after_error(error: openai.OpenAIError, used: int) -> DeadLetter | Postponed:
    """Decide what becomes of an article after an error of the provider."""
    detail = detail_of(str(error) or type(error).__name__)
    if isinstance(error, openai.APIStatusError) and error.status_code in REJECTED_STATUSES:
        return DeadLetter(Reason.REQUEST, detail, used)
    return Postponed("provider", detail, used)


def summarise(article: Article, left: int) -> Outcome:
    """Ask for the summary of one article, and decide what to do with the answer.

    No error of the provider leaves this function.

    Args:
        article: the article.
        left: how many tokens the run may still use.

    Returns:
        Summary: the answer passed `read_answer`.
        DeadLetter: the article gets no summary, because the answers or the request are bad.
        Postponed: the article stays open, because of the budget or the provider.
    """
    messages = messages_for(article)
    estimate = estimate_request(messages)
    used = 0
    bad = BadAnswer(Reason.INVALID, "no request was sent")
    for _ in range(MAX_REQUESTS):
        if estimate > left - used:
            detail = f"the request needs up to {estimate} tokens, and {left - used} are left"
            return Postponed("budget", detail_of(detail), used)
        try:
            answer, tokens = one_request(messages, estimate)
        except openai.OpenAIError as error:
            return after_error(error, used)
        used += tokens
        if isinstance(answer, Draft):
            model = summary_settings().chat_model
            return Summary(answer.summary, tuple(answer.topics), model, used)
        bad = answer
    return DeadLetter(bad.reason, detail_of(bad.detail), used)


def summarise_all(articles: Iterable[Article], budget: int) -> Iterator[tuple[Article, Outcome]]:
    """Summarise one article after the other within the budget of a run.

    The caller stores each outcome before it asks for the next one. `articles` claims an article when it is
    asked for one, so an article that is taken too early is kept from other workers.

    Args:
        articles: the articles, each claimed at the moment when it is taken.
        budget: how many tokens all articles together may use.

    Yields:
        Each article that was taken, with its outcome.
    """
    left = budget
    for article in articles:
        outcome = summarise(article, left)
        yield article, outcome
        if isinstance(outcome, Postponed):
            return
        left -= outcome.tokens
