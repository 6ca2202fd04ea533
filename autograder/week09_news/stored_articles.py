"""Feeds and articles in the database, made and read without the student's code."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from random import Random
from typing import Any

from psycopg.sql import SQL, Identifier, Placeholder

from autograder.sdk import Run, Student, database, made
from autograder.sdk.answers import must_return
from autograder.week09_news.feed_calls import MODELS
from autograder.week09_news.feed_documents import Item

ARTICLES = "pipeline.news.articles"


def new_feed(run: Run, rng: Random, **columns: Any) -> str:
    """Insert a feed, which is not due unless `columns` say so, and return its id."""
    feed_id = f"feed-{rng.getrandbits(48):x}"
    values = {
        "feed_id": feed_id,
        "url": f"https://feeds.example/{feed_id}.xml",
        "next_at": datetime.fromisoformat("2999-01-01T00:00:00+00:00"),
        **columns,
    }
    text = SQL("INSERT INTO feeds ({}) VALUES ({})").format(
        SQL(", ").join(map(Identifier, values)), SQL(", ").join(map(Placeholder, values))
    )
    database.kept_connection(run).execute(text, values)
    return feed_id


def as_entry(one: Item, **values: Any) -> dict[str, Any]:
    """An `Entry` for an argument."""
    at = made("datetime", "datetime.fromisoformat", one.at.isoformat())
    fields = {"url": one.link, "title": one.title, "text": one.text, "published_at": at}
    return made(MODELS, "Entry", **{**fields, "guid": one.guid, **values})


def store(student: Student, sent: str, feed_id: str, entries: Iterable[dict[str, Any]]) -> Any:
    """What `store` returns."""
    answer = student.ask(ARTICLES, "store", feed_id, list(entries), timeout=60.0)
    return must_return(sent, answer)


def articles_of(run: Run, feed_id: str) -> list[dict[str, Any]]:
    """The articles that have this feed as a source, in the order of their addresses."""
    rows = database.query(
        run,
        "SELECT a.article_id, a.url, a.title, a.text, a.published_at, a.content_hash FROM articles a"
        " JOIN article_sources s USING (article_id) WHERE s.feed_id = %s ORDER BY a.url",
        feed_id,
    )
    names = ("article_id", "url", "title", "text", "published_at", "content_hash")
    return [dict(zip(names, row, strict=True)) for row in rows]


def count_articles(run: Run) -> int:
    """How many articles there are."""
    [(count,)] = database.query(run, "SELECT count(*) FROM articles")
    return int(count)
