"""The sample feeds are feeds: as many entries as the demo says, with dates before a moment."""

from __future__ import annotations

import json
from calendar import timegm
from datetime import UTC, datetime, timedelta

import feedparser

from bootcamp.samples.sample_feeds import (
    ARTICLES,
    ENTRIES,
    SampleFeed,
    last_window_end,
    sample_feeds,
)

END = datetime(2027, 1, 15, 18, tzinfo=UTC)
FORMATS = {"rss20", "atom10", "rss10"}


def entries(feed: SampleFeed) -> list[tuple[str, str, datetime]]:
    """Address, title and date of each entry."""
    if feed.name.endswith(".json"):
        return [
            (one["url"], one["title"], datetime.fromisoformat(one["date_published"]))
            for one in json.loads(feed.body)["items"]
        ]
    read = feedparser.parse(
        feed.body.encode(), response_headers={"content-type": feed.content_type}
    )
    assert not read.bozo, read.bozo_exception
    assert read.version in FORMATS and read.feed.title == feed.title
    return [
        (one.link, one.title, datetime.fromtimestamp(timegm(one.updated_parsed), UTC))
        if "updated_parsed" in one
        else (one.link, one.title, datetime.fromtimestamp(timegm(one.published_parsed), UTC))
        for one in read.entries
    ]


def test_four_formats_and_two_dozen_articles():
    found = [one for feed in sample_feeds(END) for one in entries(feed)]
    assert len(sample_feeds(END)) == 4
    assert (len(found), len({title for _, title, _ in found})) == (ENTRIES, ARTICLES)
    assert all(url.startswith("https://") and ".ellary.example/" in url for url, _, _ in found)


def test_dates_are_before_the_moment():
    found = [date for feed in sample_feeds(END) for _, _, date in entries(feed)]
    assert max(found) == END - timedelta(hours=1)
    assert min(found) > END - timedelta(days=6)
    recent = [date for date in found if date >= END - timedelta(hours=6)]
    assert len(recent) == 11  # three of them are duplicates


def test_the_end_of_a_window():
    assert last_window_end(datetime(2027, 1, 15, 17, 59, tzinfo=UTC)) == END - timedelta(hours=6)
    assert last_window_end(END) == END
