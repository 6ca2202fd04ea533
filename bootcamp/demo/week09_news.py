"""Week 9 on stage: four feeds become articles, summaries and trends."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bootcamp.demo.jobs import scripted
from bootcamp.demo.stage import DemoFailed, Scene, Stage
from bootcamp.samples.sample_feeds import (
    ARTICLES,
    ENTRIES,
    SampleFeed,
    last_window_end,
    sample_feeds,
)
from bootcamp.stack.stack import in_parallel

DESK_SECONDS = 60.0
"""How long the desk may take until all articles are summarised."""
POLL_SECONDS = 0.1
QUESTION = "Why did the ferry get stuck?"
SHOWN_TERMS = 5


def the_news_desk(stage: Stage) -> None:
    """Beat finds four new feeds. The desk collects, summarises, and finds what is new.

    The real service is not asked: two dozen summaries would cost more than the rest of the demo.
    """
    if not scripted(stage):
        return
    feeds = sample_feeds(last_window_end(datetime.now(UTC)))
    in_parallel([partial(add_feed, stage, feed) for feed in feeds])
    news = wait_for(stage, lambda: all_summarised(stage), "not all articles are summarised")
    stage.apps.run("trends", "pipeline.news.trend_run")  # Beat does this every ten minutes
    trends = stage.ask("GET", "/news/trends")
    params = {"q": QUESTION, "limit": 1}
    (hit,) = stage.ask("GET", "/news/search", params=params)["results"]
    twice = sum(len(one["sources"]) > 1 for one in news)
    terms = [f"{one['term']} ({one['articles']})" for one in trends["terms"][:SHOWN_TERMS]]
    stage.tell(
        "Four feeds become news",
        f"{ENTRIES} entries: {len(news)} articles, {twice} of them in two feeds",
        f"“{QUESTION}” → {hit['title']} ({', '.join(hit['sources'])})",
        f"trends of six hours, with their articles: {', '.join(terms)}",
        f"the page: {stage.report.addresses['News']}",
    )


def add_feed(stage: Stage, feed: SampleFeed) -> None:
    """Serve a sample feed, and add it to the list of feeds."""
    url = stage.run.feeds.publish(feed.name, feed.body, content_type=feed.content_type)
    words = ["add", url, "--title", feed.title]
    stage.apps.run(feed.name, "pipeline.news.feed_list", *words)


def all_summarised(stage: Stage) -> list[dict[str, Any]] | None:
    """The articles, if all are here and have a summary."""
    news: list[dict[str, Any]] = stage.ask("GET", "/news", params={"limit": 100})["news"]
    done = len(news) >= ARTICLES and all(one["summary"] for one in news)
    return news if done else None


def wait_for(stage: Stage, ready: Callable[[], Any], problem: str) -> Any:
    """What `ready` returns, once it is something.

    Raises:
        DemoFailed: it takes too long.
    """
    deadline = time.monotonic() + DESK_SECONDS
    while time.monotonic() < deadline:
        stage.check_alive()
        if found := ready():
            return found
        time.sleep(POLL_SECONDS)
    raise DemoFailed(f"After {DESK_SECONDS:.0f} s {problem}.")


SCENES: tuple[Scene, ...] = (the_news_desk,)
