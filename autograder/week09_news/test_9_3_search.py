"""9.3: `GET /news/search` ranks summaries by cosine distance, also those of one topic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import pytest

from autograder.sdk import Api, Fault, OpenAIControl, Run, Session, Student, fail, made, until
from autograder.sdk.answers import must_raise
from autograder.sdk.database import connect
from autograder.week09_news.reading import (
    READ_SECONDS,
    Asking,
    check_articles,
    check_unavailable,
    interrupted,
    items_of,
    must_answer,
)
from autograder.week09_news.stored_news import (
    Article,
    at_angle,
    clear,
    insert,
    new_article,
    summarised,
    vector_of,
    words,
)

pytestmark = [pytest.mark.item("9.3"), pytest.mark.usefixtures("stores")]

NEWS = "pipeline.api.news"
SUMMARIES = 20
NEARER = 130
DEFAULT_LIMIT = 10
SCORE_CLOSE = 1e-3
CONNECTIONS = 4
"""How many connections the pool of the API has."""
SLOW_SECONDS = 4.0
"""How long the provider takes for some questions: less than the API waits for it."""
UNAVAILABLE = "The search is not available. Try again in a few seconds."
NEAREST = "the nearest first, by the cosine distance `<=>`: `<->` and `<#>` depend on the lengths of vectors"


@dataclass(frozen=True)
class Library:
    """The stored articles with a summary, the nearest to the question first."""

    question: str
    articles: list[Article]
    topic: str
    """A topic of the articles in the second half. Those in the first half are all nearer."""

    def about(self, topic: str) -> list[Article]:
        return [one for one in self.articles if topic in one.topics]


@pytest.fixture(scope="module")
def library(session: Session, run: Run, student: Student) -> Iterator[Library]:
    """Summaries at known angles to one question, with vectors of different lengths."""
    for worker in student.workers:
        worker.kill()
    clear(run)
    rng = session.random("search")
    question = " ".join(words(rng, 3)).title()
    axis = vector_of(run, question)
    near, far = words(rng, 2)
    articles = []
    for number, step in enumerate(np.linspace(0.97, -0.9, SUMMARIES)):
        cosine = float(step) + rng.uniform(-0.01, 0.01)
        topics = [near] if number < SUMMARIES // 2 else [far, near] if number % 3 else [f"{far}s"]
        articles.append(summarised(new_article(rng), rng, *topics, cosine=cosine))
    for number, one in enumerate(rng.sample(articles, SUMMARIES)):
        insert(run, one, at_angle(rng, axis, one.cosine) * (0.05, 1.0, 30.0)[number % 3])
    for _ in range(3):
        insert(run, new_article(rng))  # not summarised yet
    yield Library(question, articles, far)
    clear(run)


def check_search(api: Api, library: Library, expected: list[Article], **params: Any) -> None:
    """Search for the question of the library, and check what is found."""
    sent = "GET /news/search?q=…" + "".join(f"&{name}={value}" for name, value in params.items())
    sent += f", {SUMMARIES} summaries"
    answer = must_answer(api, "/news/search", sent, q=library.question, **params)
    if answer.get("query") != library.question:
        fail(sent=sent, expected=f"query: {library.question!r}", got=answer.get("query"))
    found = items_of(answer, "results", sent)
    check_articles(sent, found, expected, NEAREST)
    for one, article in zip(found, expected, strict=True):
        score = one.get("score")
        number = float(score) if isinstance(score, (int, float)) else 9.0
        if abs(number - article.cosine) > SCORE_CLOSE:
            right = f"score {article.cosine:.3f}, the cosine of the angle: from 1 to -1"
            fail(sent=sent, expected=right, got=score, cause="similarity is one minus distance")


def test_the_nearest_summaries(api: Api, openai: OpenAIControl, library: Library) -> None:
    """k, l, q, r: all of them, a few, and the default."""
    for limit in (50, 5, 1):
        check_search(api, library, library.articles[:limit], limit=limit)
    check_search(api, library, library.articles[:DEFAULT_LIMIT])
    asked = {text for entry in openai.journal("embeddings") for text in entry.inputs}
    if asked != {library.question}:
        sent, right = f"GET /news/search?q={library.question}", "this question sent to the provider"
        fail(sent=sent, expected=right, got=sorted(asked)[:2], cause="pass `q` on unchanged")


def test_the_nearest_of_a_topic(api: Api, library: Library, rng: Random) -> None:
    """k, l, m: many nearer articles have other topics."""
    expected = library.about(library.topic)
    for limit in (50, 3):
        check_search(api, library, expected[:limit], topic=library.topic, limit=limit)
    check_search(api, library, [], topic=f"o'{words(rng, 1)[0]}")


def test_the_nearest_of_a_topic_that_is_far_away(
    api: Api, run: Run, library: Library, rng: Random
) -> None:
    """m: so many nearer articles have other topics that no fixed number of candidates is enough."""
    axis, (other,) = vector_of(run, library.question), words(rng, 1)
    nearer = [summarised(new_article(rng), rng, other, cosine=0.99) for _ in range(NEARER)]
    for one in nearer:
        insert(run, one, at_angle(rng, axis, one.cosine))
    try:
        for limit in (3, 1):
            check_search(
                api, library, library.about(library.topic)[:limit], topic=library.topic, limit=limit
            )
    finally:
        with connect(run) as database:
            ids = [one.article_id for one in nearer]
            database.execute("DELETE FROM articles WHERE article_id = ANY(%s)", [ids])


@pytest.mark.parametrize(
    "fault",
    [Fault.status(429, retry_after=7), Fault.status(500), Fault.drop()],
    ids=["429", "500", "dropped connection"],
)
def test_a_provider_that_is_away(
    api: Api, openai: OpenAIControl, library: Library, rng: Random, fault: Fault
) -> None:
    """s: the provider rejects the question, or is unreachable."""
    secret = words(rng, 1)[0]
    if fault.kind == "status":
        body = json.dumps({"error": {"message": secret}})
        fault = Fault.status(int(fault.answer or 500), body=body)
    openai.script(fault)
    response = api.get("/news/search", params={"q": library.question}, timeout=READ_SECONDS)
    what = "breaks the connection" if fault.kind != "status" else f"answers {fault.answer}"
    sent = f"GET /news/search while the provider {what}"
    check_unavailable(api, sent, response, "search_unavailable", UNAVAILABLE)


@pytest.mark.parametrize("how", ["cancel", "terminate"])
def test_a_database_that_goes_away(api: Api, run: Run, library: Library, how: str) -> None:
    """s: PostgreSQL cancels the statement, or the connection. The next search is answered."""
    params = {"q": library.question}
    response = interrupted(
        run, lambda: api.get("/news/search", params=params, timeout=READ_SECONDS), how
    )
    what = "cancels its statement" if how == "cancel" else "ends its connection"
    sent = f"GET /news/search, while PostgreSQL {what}"
    check_unavailable(api, sent, response, "search_unavailable", UNAVAILABLE)
    check_search(api, library, library.articles[:DEFAULT_LIMIT])


def test_a_client_without_a_key(student: Student, rng: Random) -> None:
    """s: the error is an `openai.OpenAIError`, but no answer of the provider."""
    error = made("openai", "OpenAIError", f"The api_key must be set, not {words(rng, 1)[0]}")
    embed = made("unittest.mock", "AsyncMock", side_effect=error)
    student.call(
        "builtins", "setattr", made("importlib", "import_module", NEWS), "embed_question", embed
    )
    try:
        answer = student.ask(NEWS, "search_news", made("unittest.mock", "MagicMock"), "q", None, 3)
    finally:
        student.renew()
    sent = (
        "search_news(), where `embed_question` raises an `openai.OpenAIError` that is no `APIError`"
    )
    cause = (
        "catch `openai.OpenAIError`: a client that has no key raises it before it sends anything"
    )
    must_raise(sent, answer, "SearchUnavailable", cause)


def test_a_slow_provider_holds_no_connection(
    api: Api, openai: OpenAIControl, library: Library, rng: Random
) -> None:
    """q: as many slow questions as the pool has connections, and a list of the news meanwhile. This is
    the last test, because it does not wait for the slow ones.
    """
    slow = words(rng, 1)[0]
    openai.script(Fault.slow(SLOW_SECONDS, matching=slow, times=None))
    asking = [
        Asking(lambda: api.get("/news/search", params={"q": slow}, timeout=READ_SECONDS))
        for _ in range(CONNECTIONS)
    ]
    until(lambda: len(openai.journal("embeddings")) == CONNECTIONS, SLOW_SECONDS)
    quick = Asking(
        lambda: api.get("/news/search", params={"q": library.question}, timeout=READ_SECONDS)
    )
    until(lambda: quick.done or any(one.done for one in asking), READ_SECONDS)
    status = quick.finish().status_code if quick.done else None
    if status != 200:
        fail(
            sent=f"{CONNECTIONS} searches for which the provider takes {SLOW_SECONDS:g} s, and one "
            "that it answers at once",
            expected="the quick one is answered while the others wait",
            got=f"it was answered with {status}" if status else "it waited for them",
            cause="a database connection is held while the provider works: embed the question "
            "first, then take a connection",
        )
