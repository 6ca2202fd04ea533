"""The sample feeds, with dates before a given moment: what a feed server serves in the demo."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from bootcamp import paths

FOLDER = paths.SAMPLES / "feeds"
SECONDS = 6 * 3600
"""The length of the windows in which week 9 looks for trends. They are aligned to 1970-01-01, UTC."""
PLACE = re.compile(r"\{(\d+) hours before\}")
TYPES = {
    ".rss.xml": "application/rss+xml; charset=utf-8",
    ".atom.xml": "application/atom+xml; charset=utf-8",
    ".rdf.xml": "application/rdf+xml; charset=utf-8",
    ".json": "application/feed+json",
}
ENTRIES = 27
ARTICLES = 24
"""Three articles are in two feeds."""


@dataclass(frozen=True)
class SampleFeed:
    """A feed as a server sends it."""

    name: str
    title: str
    content_type: str
    body: str


def last_window_end(now: datetime) -> datetime:
    """Return the end of the last window of trends that is over."""
    return datetime.fromtimestamp(now.timestamp() // SECONDS * SECONDS, UTC)


def sample_feeds(end: datetime) -> list[SampleFeed]:
    """Return the feeds, in the order of their names.

    Args:
        end: the moment to which the hours of the entries count. Entries of less than six hours are in the
            window that ends then. The others are in the six days before.
    """
    return [_feed(path, end) for path in sorted(FOLDER.iterdir()) if _suffix(path) in TYPES]


def _feed(path: Path, end: datetime) -> SampleFeed:
    suffix = _suffix(path)

    def date(found: re.Match[str]) -> str:
        moment = end - timedelta(hours=int(found[1]))
        return format_datetime(moment) if suffix == ".rss.xml" else moment.isoformat()

    text = path.read_text(encoding="utf-8")
    title = re.search(r'<title>(.+?)</title>|"title": "(.+?)"', text)
    assert title is not None, f"{path.name} has a title"
    return SampleFeed(path.name, title[1] or title[2], TYPES[suffix], PLACE.sub(date, text))


def _suffix(path: Path) -> str:
    return "".join(path.suffixes)
