"""Stores articles. The same article from several feeds is one row, whichever worker stores it first."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote_plus, urlsplit
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


def canonical_query(query: str) -> str:
    """Return the parameters that belong to the page, in a fixed order."""
    return "&".join(sorted(one for one in query.split("&") if one and not is_tracking(one)))


def canonical_host(parts: SplitResult, scheme: str) -> str:
    """Return the host in lower case, with its port if that is not the usual one."""
    host, port = parts.hostname or "", parts.port
    host = f"[{host}]" if ":" in host else host
    return host if port in {None, DEFAULT_PORTS[scheme]} else f"{host}:{port}"


def canonical_url(url: str) -> str:
    """Return the one spelling of an address under which an article is stored.

    Args:
        url: an address for which `is_web_address` is True.

    Returns:
        The address in its canonical spelling. The canonical spelling of this is the same again.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    query = canonical_query(parts.query)
    return f"{scheme}://{canonical_host(parts, scheme)}{parts.path or '/'}{query and '?' + query}"


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
    content = [normal(title), normal(text)]
    if len(content[1]) < MIN_SHARED_CHARS:
        content.append(url)
    return hashlib.sha256(json.dumps(content).encode()).digest()  # JSON keeps the borders


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


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry with the two keys by which it is recognised."""

    url: str
    digest: bytes
    entry: Entry


def draft_of(entry: Entry) -> Draft:
    """Calculate the keys of an entry."""
    url = canonical_url(entry.url)
    return Draft(url, content_hash(url, entry.title, entry.text), entry)


def known_as(known: Mapping[str | bytes, UUID], draft: Draft) -> UUID | None:
    """Return the article that an entry is, if it is a known one. The address decides before the content."""
    return known.get(draft.url) or known.get(draft.digest)


def insert_or_find(database: Connection[Any], draft: Draft) -> tuple[UUID, bool]:
    """Return the article that an entry is, and whether this call has inserted it.

    The insert commits alone, so nobody waits for a row while others wait for his. It returns no row if
    another worker was first, and only a second statement sees the row of that worker.
    """
    entry = draft.entry
    values = (draft.url, draft.digest, entry.title, entry.text, entry.published_at)
    while True:  # again only if the other worker's row is deleted between the two statements
        if row := database.execute(INSERT, values).fetchone():
            return row[0], True
        article_id = known_as(known_articles(database, [draft.url], [draft.digest]), draft)
        if article_id is not None:
            return article_id, False


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
    drafts = [draft_of(entry) for entry in entries]
    with connection() as database:
        known = known_articles(
            database, [draft.url for draft in drafts], [draft.digest for draft in drafts]
        )
        article_ids, new = set[UUID](), 0
        for draft in drafts:
            article_id = known_as(known, draft)
            if article_id is None:
                article_id, is_new = insert_or_find(database, draft)
                new += is_new
                known |= {draft.url: article_id, draft.digest: article_id}
            article_ids.add(article_id)
        # Sorted, so that two workers with the same feed lock the same rows in the same order.
        database.execute(ADD_SOURCES, (sorted(article_ids), feed_id))
    return new
