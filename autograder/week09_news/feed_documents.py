"""Feed documents in every format, made from the same items with random words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from random import Random
from typing import Any

WORDS = (
    *(
        "harbour",
        "lantern",
        "tide",
        "ferry",
        "pilot",
        "anchor",
        "signal",
        "keeper",
        "beacon",
        "chart",
    ),
    *(
        "breakwater",
        "mooring",
        "channel",
        "buoy",
        "storm",
        "captain",
        "cargo",
        "island",
        "lighthouse",
    ),
    *("current", "quay", "vessel", "compass", "rope", "sailor", "weather", "gull", "wharf"),
)


@dataclass(frozen=True)
class Item:
    """One entry as a feed has it, before it is written in a format."""

    link: str
    title: str
    text: str
    at: datetime
    guid: str

    def moved(self, **values: Any) -> Item:
        """The same with other values."""
        return replace(self, **values)


def words(rng: Random, count: int) -> str:
    """Random words, with one that no other text has."""
    return " ".join([*(rng.choice(WORDS) for _ in range(count)), f"{rng.getrandbits(40):x}"])


def item(rng: Random, **values: Any) -> Item:
    """A random item, published within the last month."""
    number = f"{rng.getrandbits(48):x}"
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=rng.randint(60, 40_000))
    made = Item(
        link=f"https://news.example/{number}/story",
        title=words(rng, 4),
        text=words(rng, 25),
        at=at,
        guid=f"tag:news.example,2026:{number}",
    )
    return made.moved(**values)


def items(rng: Random, count: int) -> list[Item]:
    """Random items, all different."""
    return [item(rng) for _ in range(count)]


def _rss_item(one: Item) -> str:
    return (
        f"<item><title>{escape(one.title)}</title><link>{escape(one.link)}</link>"
        f"<description>{escape(one.text)}</description>"
        f'<guid isPermaLink="false">{escape(one.guid)}</guid>'
        f"<pubDate>{format_datetime(one.at, usegmt=True)}</pubDate></item>"
    )


def rss(found: Sequence[Item], version: str = "2.0", doctype: str = "") -> str:
    """RSS 0.91 to 2.0. Titles and texts are HTML, which is escaped once."""
    inside = "".join(map(_rss_item, found))
    return (
        f'<?xml version="1.0"?>{doctype}<rss version="{version}"><channel><title>Harbour news</title>'
        f"<link>https://news.example/</link><description>News</description>{inside}</channel></rss>"
    )


RSS_091 = (
    '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://feeds.example/rss-0.91.dtd">'
)
"""The document type that Netscape's RSS 0.91 has."""


def rdf(found: Sequence[Item]) -> str:
    """RSS 1.0, which is RDF."""
    inside = "".join(
        f'<item rdf:about="{escape(one.link)}"><title>{escape(one.title)}</title>'
        f"<link>{escape(one.link)}</link><description>{escape(one.text)}</description>"
        f"<dc:date>{one.at.isoformat()}</dc:date></item>"
        for one in found
    )
    return (
        '<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        '<channel rdf:about="https://news.example/"><title>Harbour news</title></channel>'
        f"{inside}</rdf:RDF>"
    )


def _atom_entry(one: Item, kind: str) -> str:
    return (
        f'<entry><title type="{kind}">{escape(one.title)}</title><id>{escape(one.guid)}</id>'
        f'<link rel="alternate" href="{escape(one.link)}"/><updated>{one.at.isoformat()}</updated>'
        f'<published>{one.at.isoformat()}</published><content type="{kind}">{escape(one.text)}</content>'
        "</entry>"
    )


def atom(found: Sequence[Item], kind: str = "text", base: str = "") -> str:
    """Atom 1.0. `kind` is the type of titles and texts; `base` is an `xml:base`."""
    inside = "".join(_atom_entry(one, kind) for one in found)
    start = f' xml:base="{escape(base)}"' if base else ""
    return (
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"{start}>'
        f"<title>Harbour news</title><id>tag:news.example,2026:feed</id>{inside}</feed>"
    )


def json_item(one: Item) -> dict[str, Any]:
    """An item of a JSON Feed."""
    return {
        "id": one.guid,
        "url": one.link,
        "title": one.title,
        "content_text": one.text,
        "date_published": one.at.isoformat(),
    }


def json_feed(found: Sequence[object]) -> str:
    """JSON Feed 1.1, with these items as they are."""
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": [*found]}
    return json.dumps(feed)
