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


def messages_for(article: Article) -> Messages:
    """Write the messages that ask for the summary of an article.

    Args:
        article: its title and text come from a feed, so they are not trusted.

    Returns:
        Two messages: the instructions, and the article.
    """
    # TODO 9.2:
    #   a) Return two messages. The first has the role `system` and the content `INSTRUCTIONS`,
    #      unchanged. The second has the role `user`, and only this one contains text of the
    #      article.
    #   b) The content of the second begins with `OPEN` and ends with `CLOSE`. Between them are
    #      first the title and then the text, separated by a blank line. You may put line breaks
    #      beside the markers.
    #   c) Use the first `MAX_TITLE_CHARS` characters of the title and the first `MAX_TEXT_CHARS`
    #      characters of the text.
    #   d) Title and text may contain the markers themselves, in any mix of upper and lower case.
    #      Change such places, so that `OPEN` and `CLOSE` occur only once each in the content. An
    #      article that contains no marker stays as it is.
    raise NotImplementedError("9.2")


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
    # TODO 9.2:
    #   e) Raise `BadAnswer` with `Reason.REFUSAL` if `choice.message.refusal` has text, or if
    #      `choice.finish_reason` is `content_filter`. The detail contains the text of the refusal.
    #   f) Otherwise raise it with `Reason.TRUNCATED` if the `finish_reason` is `length`, also if
    #      the content is valid JSON by chance.
    #   g) Otherwise read `choice.message.content` with `Draft.model_validate_json`. Raise
    #      `BadAnswer` with `Reason.INVALID` if it does not fit, or if there is no content (None).
    #   h) Raise `BadAnswer` with `Reason.UNSAFE` if the summary or a topic contains a link or a
    #      mail address: `LINK.search` finds them.
    #   i) Return a `Draft` with the summary unchanged, and with the topics in lower case (`lower`),
    #      which can make a topic longer than `Draft` allows. Leave out a topic that is equal to an
    #      earlier one, and keep the order.
    raise NotImplementedError("9.2")


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
    # TODO 9.2:
    #   j) Before each request compare `estimate` with what is left: `left` without the tokens that
    #      earlier requests for this article have used. If the estimate is larger, send nothing, and
    #      return `Postponed` with the reason `budget`. If it is equal, send the request.
    #   k) Send a request with `ask`. An answer that `read_answer` accepts makes the `Summary`. Its
    #      model is `summary_settings().chat_model`.
    #   l) After a `BadAnswer`, of `ask` or of `read_answer`, send the same request again, up to
    #      `MAX_REQUESTS` requests. Then return a `DeadLetter` with reason and detail of the last
    #      bad answer.
    #   m) If the provider answers with a status of `REJECTED_STATUSES`, return a `DeadLetter` with
    #      `Reason.REQUEST` at once.
    #   n) After every other `openai.OpenAIError` return `Postponed` with the reason `provider` at
    #      once. Neither wait nor send the request again, because the next run does.
    #   o) The `tokens` of each outcome are the sum over all answers for this article, good and bad:
    #      `used_tokens`, or the estimate if that is None or `ask` has raised `BadAnswer`. Other
    #      errors of `ask` add nothing.
    #   p) Cut each `detail` after `MAX_DETAIL_CHARS` characters. A detail is never empty.
    raise NotImplementedError("9.2")


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
    # TODO 9.2:
    #   q) Yield the article and its outcome before you take the next article.
    #   r) Call `summarise` with what is left of the budget: the budget without the `tokens` of all
    #      outcomes so far, dead letters included.
    #   s) After the first `Postponed`, yield it and end. Take no further article. No other outcome
    #      ends the run early.
    raise NotImplementedError("9.2")
