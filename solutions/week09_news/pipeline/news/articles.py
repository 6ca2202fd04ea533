"""Stores articles. The same article from several feeds is one row, whichever worker stores it first."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus, urlsplit
from uuid import UUID

from psycopg import Connection

from pipeline.news.models import Entry
from pipeline.steps.database import connection

DEFAULT_PORTS = {"http": 80, "https": 443}
TRACKING_PREFIX = "utm_"
TRACKING = frozenset({"fbclid", "gclid", "dclid", "msclkid", "mc_cid", "mc_eid", "igshid", "yclid"})
"""Names of parameters that say which way a reader came. They change nothing of the page."""
MIN_SHARED_CHARS = 80
"""A shorter text does not identify an article: hundreds of them say "Read more"."""

KNOWN = "SELECT article_id, url, content_hash FROM articles WHERE url = ANY(%s) OR content_hash = ANY(%s)"
INSERT = """
INSERT INTO articles (url, content_hash, title, text, published_at)
VALUES (%s, %s, %s, %s, coalesce(%s, now()))
ON CONFLICT DO NOTHING
RETURNING article_id
"""
"""Returns no row if an article has this address or this content. It waits for a worker that stores one."""
ADD_SOURCES = """
INSERT INTO article_sources (article_id, feed_id) SELECT unnest(%s::uuid[]), %s
ON CONFLICT DO NOTHING
"""


def is_tracking(parameter: str) -> bool:
    """Return whether a parameter of a query, such as `utm_source=mail`, is only there to track readers.

    Given to students complete.
    """
    name = unquote_plus(parameter.partition("=")[0]).lower()
    return name.startswith(TRACKING_PREFIX) or name in TRACKING


def canonical_url(url: str) -> str:
    """Return the one spelling of an address under which an article is stored.

    Args:
        url: an address for which `is_web_address` is True.

    Returns:
        The address in its canonical spelling. The canonical spelling of this is the same again.
    """
    parts = urlsplit(url)
    # BEGIN SOLUTION 9.1
    # ? v) Write scheme and host in lower case, and leave out the port if it is the default of the scheme,
    # ? and the fragment. An empty path is `/`. Do not change a path: upper and lower case differ there.
    # ? w) Leave out the parameters of the query for which `is_tracking` is True, and those without any
    # ? character, as between the two `&` of `a=1&&b=2`. Keep a parameter without a value, such as `a=` or
    # ? `a`. Sort the parameters, and keep each exactly as it is written. If none is left, there is no `?`.
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, DEFAULT_PORTS[scheme]} else f":{parts.port}"
    kept = sorted(one for one in parts.query.split("&") if one and not is_tracking(one))
    query = f"?{'&'.join(kept)}" if kept else ""
    return f"{scheme}://{host}{port}{parts.path or '/'}{query}"
    # END SOLUTION


def normal(text: str) -> str:
    """Return a text without the differences between two copies of it. Given to students complete.

    Case, white space, and the several ways to encode one character do not count.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def content_hash(url: str, title: str, text: str) -> bytes:
    """Return a hash that is equal for copies of one article, and different for different articles.

    Args:
        url: the canonical address.
        title: plain text.
        text: plain text. It can be empty.

    Returns:
        32 bytes: a SHA-256.
    """
    # BEGIN SOLUTION 9.1
    # ? x) Hash `normal(title)` and `normal(text)` so that their border counts: "a" and "b c" are another
    # ? article than "a b" and "c". If the normal text has fewer than `MIN_SHARED_CHARS` characters, the
    # ? address belongs to the content too. Otherwise it does not.
    parts = [normal(title), normal(text)]
    if len(parts[1]) < MIN_SHARED_CHARS:
        parts.append(url)
    return hashlib.sha256("\0".join(parts).encode()).digest()
    # END SOLUTION


def known_articles(
    database: Connection[Any], urls: Sequence[str], hashes: Sequence[bytes]
) -> dict[str | bytes, UUID]:
    """Look up the stored articles that have one of these addresses or contents.

    Given to students complete.

    Args:
        database: a connection from `connection()`.
        urls: canonical addresses.
        hashes: content hashes.

    Returns:
        The ids of the articles, by address and by content hash. Each article is in it twice.
    """
    rows = database.execute(KNOWN, (list(urls), list(hashes))).fetchall()
    return {row[1]: row[0] for row in rows} | {bytes(row[2]): row[0] for row in rows}


def store(feed_id: str, entries: Sequence[Entry]) -> int:
    """Store the entries of one feed as articles. Other workers may store the same articles meanwhile.

    Args:
        feed_id: the feed. It is in the table `feeds`.
        entries: what the feed contains now. Most of it is usually stored already.

    Returns:
        How many articles are new.

    Raises:
        psycopg.Error: the database is unreachable, or the feed was removed.
    """
    # BEGIN SOLUTION 9.1
    # ? y) An entry is an article that is stored already if its canonical address or its content hash is.
    # ? If both are stored, of two articles, the address decides. Keep the title and the text that were
    # ? stored first. Otherwise insert a row, with the canonical address, and the present time where
    # ? `published_at` is None. Return the number of rows that you have inserted.
    # ? z) Make sure that `article_sources` has one row for each article of `entries` and this feed. When
    # ? several workers store the same articles at the same time, in any order, none of them fails: no
    # ? unique violation, no deadlock, and no article without its source.
    sources, new = set(), 0
    urls = [canonical_url(entry.url) for entry in entries]
    hashes = [content_hash(u, e.title, e.text) for u, e in zip(urls, entries, strict=True)]

    with connection() as database:
        known = known_articles(database, urls, hashes)
        for url, key, entry in zip(urls, hashes, entries, strict=True):
            article_id = known.get(url) or known.get(key)
            if article_id is None:
                # It commits at once: a worker that holds two rows could wait for another in a circle.
                values = (url, key, entry.title, entry.text, entry.published_at)
                row = database.execute(INSERT, values).fetchone()
                new += row is not None
                found = {} if row else known_articles(database, [url], [key])
                article_id = row[0] if row else found.get(url) or found[key]
                known |= {url: article_id, key: article_id}
            sources.add(article_id)
        database.execute(ADD_SOURCES, (sorted(sources), feed_id))
    return new
    # END SOLUTION
