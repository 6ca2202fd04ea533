"""9.3: `GET /news` lists all articles, page by page, and no article is lost between two pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, Run, Session, Student, fail
from autograder.sdk.database import connect
from autograder.week09_news.reading import (
    READ_SECONDS,
    check_articles,
    check_unavailable,
    interrupted,
    items_of,
    must_answer,
)
from autograder.week09_news.stored_news import (
    Article,
    clear,
    insert,
    new_article,
    summarised,
    words,
)

pytestmark = [pytest.mark.item("9.3"), pytest.mark.usefixtures("stores")]

ARTICLES = 24
DEFAULT_LIMIT = 20
TIES = "articles of one moment come in the order of their ids, ascending, also after the cursor"
UNAVAILABLE = "The news cannot be read now. Try again in a few seconds."


@dataclass(frozen=True)
class Library:
    """The stored articles, in the order of the list."""

    articles: list[Article]
    topic: str

    def about(self, topic: str) -> list[Article]:
        return [one for one in self.articles if topic in one.topics]


@pytest.fixture(scope="module")
def library(session: Session, run: Run, student: Student) -> Iterator[Library]:
    """Articles of a few moments; a third has no summary. Nobody else stores any."""
    for worker in student.workers:
        worker.kill()
    clear(run)
    rng = session.random("news")
    filled = fill(rng)
    for one in rng.sample(filled.articles, len(filled.articles)):
        insert(run, one)
    yield filled
    clear(run)


def fill(rng: Random) -> Library:
    """The articles of the library. Some moments are shared, and some differ by a microsecond."""
    word = words(rng, 1)[0]
    topic = f"o'{word} 100%"
    choices = [[topic], [word, topic], [], None, [word], [f"{topic}s"], [topic.upper()], None]
    sources = words(rng, 3)
    now = datetime.now(UTC)
    articles = []
    for number in range(ARTICLES):
        moment = now - timedelta(hours=number // 4, microseconds=number % 4 // 2)
        one = replace(new_article(rng, moment), sources=tuple(sources[: number % 4]))
        topics = choices[number % len(choices)]
        articles.append(one if topics is None else summarised(one, rng, *topics))
    articles.sort(key=lambda one: one.article_id.hex)
    articles.sort(key=lambda one: one.published_at, reverse=True)
    return Library(articles, topic)


def walk(api: Api, sent: str, limit: int, **params: Any) -> Iterator[tuple[str, list[Any], Any]]:
    """The pages of the list: what was asked, the articles, and the next cursor."""
    cursor: dict[str, Any] = {}
    for number in range(1, 2 * ARTICLES):
        asked = f"{sent}, page {number}"
        answer = must_answer(api, "/news", asked, limit=limit, **params, **cursor)
        yield asked, items_of(answer, "news", asked), answer.get("next_cursor")
        if answer.get("next_cursor") is None:
            return
        cursor = {"cursor": answer["next_cursor"]}
    fail(sent=sent, expected="an end of the list", got=f"{2 * ARTICLES} pages, and another cursor")


def check_pages(api: Api, sent: str, limit: int, expected: list[Article], **params: Any) -> None:
    """Walk through the whole list, and check every page."""
    start = 0
    for asked, found, cursor in walk(api, sent, limit, **params):
        check_articles(asked, found, expected[start : start + limit], ORDER)
        start += limit
        if (cursor is not None) != (start < len(expected)):
            more = "a cursor, because more articles follow"
            end = "next_cursor null, because nothing follows"
            cause = "read one article more than `limit`: only then you know whether more follow"
            right = more if cursor is None else end
            fail(sent=asked, expected=right, got=f"next_cursor: {cursor!r}", cause=cause)


ORDER = f"newest first, with every article in the list, also those without a summary; {TIES}"


def test_all_articles_page_by_page(api: Api, library: Library) -> None:
    """f, g, h, j, n, o: pages of every size, a last page that is full, and articles of one moment."""
    for limit in (100, ARTICLES, 6, 5, 1):
        sent = f"GET /news?limit={limit}, {ARTICLES} articles of {ARTICLES // 2} moments"
        check_pages(api, sent, limit, library.articles)


def test_the_default_page(api: Api, library: Library) -> None:
    """j, o: without parameters."""
    sent = f"GET /news, {ARTICLES} articles"
    found = items_of(must_answer(api, "/news", sent), "news", sent)
    check_articles(sent, found, library.articles[:DEFAULT_LIMIT], ORDER)


def test_a_topic(api: Api, library: Library, rng: Random) -> None:
    """f, i, j: exactly this topic, also with a quote in it, on one page and on several."""
    expected = library.about(library.topic)
    for limit in (50, len(expected), 2):
        sent = f"GET /news?limit={limit}&topic={library.topic}"
        check_pages(api, sent, limit, expected, topic=library.topic)
    upper = library.topic.upper()
    sent = f"GET /news?topic={upper}, where others have it in lower case"
    check_pages(api, sent, 50, library.about(upper), topic=upper)
    unknown = words(rng, 1)[0]
    check_pages(api, f"GET /news?topic={unknown}, which no article has", 5, [], topic=unknown)


def test_articles_come_and_go_between_two_pages(
    api: Api, run: Run, library: Library, rng: Random
) -> None:
    """h: newer articles arrive, and the last article of the page before is deleted."""
    limit, sent = 5, "GET /news?limit=5, the second page"
    pages = walk(api, "GET /news?limit=5", limit)
    _, first, cursor = next(pages)
    check_articles("GET /news?limit=5", first, library.articles[:limit], ORDER)
    newer = [
        new_article(rng, datetime.now(UTC) + timedelta(minutes=number)) for number in (1, 2, 3)
    ]
    last = library.articles[limit - 1]
    for one in newer:
        insert(run, one)
    with connect(run) as database:
        database.execute("DELETE FROM articles WHERE article_id = %s", [last.article_id])
    try:
        answer = must_answer(api, "/news", sent, limit=limit, cursor=cursor)
    finally:
        with connect(run) as database:
            ids = [one.article_id for one in newer]
            database.execute("DELETE FROM articles WHERE article_id = ANY(%s)", [ids])
        insert(run, last)
    what = "after three newer articles have arrived, and the last one of page 1 is gone"
    cause = "start after the place (moment and id), and do not count articles"
    found = items_of(answer, "news", sent)
    check_articles(f"{sent}, {what}", found, library.articles[limit : 2 * limit], cause)


def test_a_cursor_of_somebody_else(api: Api, library: Library) -> None:
    """n: a text that this API has not made."""
    for cursor in ("1", "W10", "nothing"):
        sent = f"GET /news?cursor={cursor}"
        response = api.get("/news", params={"cursor": cursor}, timeout=READ_SECONDS)
        body = api.json(response)
        kind = body.get("type") if isinstance(body, dict) else None
        if response.status_code != 422 or kind != "invalid_cursor":
            got = f"{response.status_code}: {response.text[:200]}"
            cause = "let the error of `read_cursor` through, and do not catch it with the others"
            fail(sent=sent, expected="422 and the type invalid_cursor", got=got, cause=cause)


@pytest.mark.parametrize("how", ["cancel", "terminate"])
def test_a_database_that_goes_away(api: Api, run: Run, library: Library, how: str) -> None:
    """p: PostgreSQL cancels the statement, or the connection. The next request is answered."""
    response = interrupted(run, lambda: api.get("/news", timeout=READ_SECONDS), how)
    what = "cancels its statement" if how == "cancel" else "ends its connection"
    sent = f"GET /news, while PostgreSQL {what}"
    check_unavailable(api, sent, response, "news_unavailable", UNAVAILABLE)
    check_pages(api, f"{sent}; then GET /news?limit=100", 100, library.articles)
