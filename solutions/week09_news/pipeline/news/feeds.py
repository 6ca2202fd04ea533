"""Fetches feeds and reads their entries. Whatever a feed's server sends, the limits hold."""

from __future__ import annotations

import json
import zlib
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from time import struct_time
from typing import Any
from urllib.parse import urljoin

import feedparser

from pipeline.news.doctype import declares_entities
from pipeline.news.errors import FeedMalformed, FeedRefused, FeedTooLarge, FeedUnavailable
from pipeline.news.feed_settings import news_settings
from pipeline.news.guarded_fetch import Answer, Deadline, open_url
from pipeline.news.models import Entry, Feed
from pipeline.news.plain_text import clean, is_web_address, text_of

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
"""How many redirects of one fetch are followed."""
MAX_ENTRIES = 500
"""How many entries of one document are read."""
MAX_TITLE_CHARS = 300
MAX_TEXT_CHARS = 20_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""There were no feeds before. An older time is a mistake."""
MAX_AHEAD = timedelta(days=1)
"""How far ahead of our clock a time of publication may be."""


@dataclass(frozen=True, slots=True)
class Document:
    """A feed document as it was fetched, decompressed. Given to students complete."""

    url: str
    """The address that it came from, after all redirects. Relative links begin there."""
    content_type: str
    """The response header, or ""."""
    body: bytes
    etag: str | None = None
    """The response header `ETag`, exactly as it was."""
    last_modified: str | None = None
    """The response header `Last-Modified`, exactly as it was."""


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry as the feed says it. Given to students complete."""

    link: str
    """The address, perhaps relative, or ""."""
    title: str
    text: str
    title_is_html: bool
    """Whether the title is HTML. If not, it is plain text, in which `<b>` is five characters to read."""
    text_is_html: bool
    published_at: datetime | None
    """With a time zone. It can be wrong by centuries. None if it is missing or cannot be read."""
    guid: str | None


def fetch(feed: Feed) -> Document | None:
    """Fetch the feed's document, if it has changed.

    Args:
        feed: its address, and what is known of the last document.

    Returns:
        The document, or None if the server says that it has not changed.

    Raises:
        FeedRefused: the server does not give us a feed, or an address is not on the public internet.
        FeedUnavailable: the server does not answer in time, or it reports an error of its own.
        FeedTooLarge, FeedMalformed: see `read_body`.
    """
    deadline = Deadline(news_settings().news_fetch_seconds)
    # BEGIN SOLUTION 9.1
    # ? a) Send every request with `open_url` and this one `deadline`, and read the body inside its `with`
    # ? block. Do not catch its errors.
    # ? b) Send `feed.etag` as `if-none-match` and `feed.last_modified` as `if-modified-since`, each
    # ? exactly as it is, and only if it is not None. You may send an empty text or leave it out. If the
    # ? status is 304, return None.
    # ? c) If the status is in `REDIRECTS`, go on at the address in the header `location`, which can be
    # ? relative to the address that was asked. The same headers are sent there.
    # ? d) Follow at most `MAX_REDIRECTS` redirects. Raise `FeedRefused` if there are more, and if a
    # ? redirect has no `location` or one that `urljoin` cannot read (ValueError).
    # ? e) Raise `FeedUnavailable` if the status is 429 or at least 500. Raise `FeedRefused` for every
    # ? other status that is not 200.
    # ? f) Return a `Document` with the body from `read_body`, limited to `news_settings().news_max_bytes`,
    # ? with the address that it came from, and with the response headers that `Document` names.
    known = {"if-none-match": feed.etag, "if-modified-since": feed.last_modified}
    headers = {name: value for name, value in known.items() if value is not None}
    url = feed.url
    for _ in range(MAX_REDIRECTS + 1):
        with open_url(url, headers, deadline) as answer:
            if answer.status == 304:
                return None
            if answer.status == 429 or answer.status >= 500:
                raise FeedUnavailable
            if answer.status == 200:
                return Document(
                    url=url,
                    content_type=answer.headers.get("content-type", ""),
                    body=read_body(answer, news_settings().news_max_bytes),
                    etag=answer.headers.get("etag"),
                    last_modified=answer.headers.get("last-modified"),
                )
            location = answer.headers.get("location")
        if answer.status not in REDIRECTS or not location:
            raise FeedRefused
        try:
            url = urljoin(url, location)
        except ValueError as error:
            raise FeedRefused from error
    raise FeedRefused
    # END SOLUTION


def read_body(answer: Answer, most: int) -> bytes:
    """Read and decompress the body of a response.

    Args:
        answer: the response.
        most: how many bytes the body may have, as it arrives and after it is decompressed.

    Returns:
        The body, decompressed.

    Raises:
        FeedTooLarge: the body has more than `most` bytes.
        FeedMalformed: the body cannot be decompressed.
    """
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    # BEGIN SOLUTION 9.1
    # ? g) If `encoding` is "gzip" or "deflate", decompress the body piece by piece.
    # ? `zlib.decompressobj(wbits=47)` reads both. If it is "" or "identity", take the body as it is. Bytes
    # ? after the end of the compressed data are no error. Ignore them, but count them as arrived.
    # ? h) Raise `FeedTooLarge` as soon as more than `most` bytes have arrived, or more than `most` bytes
    # ? are decompressed. Do not read or decompress the rest: a megabyte of gzip can become a gigabyte. A
    # ? body of exactly `most` bytes is allowed.
    # ? i) Raise `FeedMalformed` for another encoding, for a body that cannot be decompressed (zlib.error),
    # ? and for one that ends too early (`eof` of the decompressor is False).
    if encoding not in {"", "identity", "gzip", "deflate"}:
        raise FeedMalformed
    reader = zlib.decompressobj(wbits=47) if encoding in {"gzip", "deflate"} else None
    body, arrived = bytearray(), 0
    for piece in answer.pieces:
        arrived += len(piece)
        try:
            body += reader.decompress(piece, most + 1 - len(body)) if reader else piece
        except zlib.error as error:
            raise FeedMalformed from error
        if len(body) > most or arrived > most:
            raise FeedTooLarge
    if reader and not reader.eof:
        raise FeedMalformed
    return bytes(body)
    # END SOLUTION


def read_entries(document: Document) -> list[Entry]:
    """Read the entries of a feed document.

    Args:
        document: RSS 0.91 to 2.0, RDF, Atom or JSON Feed, well-formed or not.

    Returns:
        The entries that can become articles, in the order of the document.

    Raises:
        FeedMalformed: the document is no feed, or it declares entities.
    """
    # BEGIN SOLUTION 9.1
    # ? j) If the first character of a document is `{`, it is a JSON Feed: read it with `json_entries`.
    # ? Before the `{` there can be a byte order mark of UTF-8, then white space, or only one of them. Read
    # ? every other document with `xml_entries`.
    # ? k) Take the first `MAX_ENTRIES` entries, and finish each with `finished`. Leave out those for which
    # ? it returns None.
    is_json = document.body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    raw = json_entries(document) if is_json else xml_entries(document)
    entries = (finished(one, document.url) for one in raw[:MAX_ENTRIES])
    return [entry for entry in entries if entry is not None]
    # END SOLUTION


def xml_entries(document: Document) -> list[RawEntry]:
    """Read the entries of RSS, RDF and Atom with feedparser.

    A document in UTF-16 must declare its encoding. If it has only a byte order mark, feedparser finds no
    feed in it.

    Raises:
        FeedMalformed: the document is no feed, or it declares entities.
    """
    # BEGIN SOLUTION 9.1
    # ? l) Raise `FeedMalformed` if `declares_entities(document.body)`, before feedparser reads it.
    # ? m) Let `feedparser.parse` read `BytesIO(document.body)`, with `response_headers`: the document's
    # ? `content-type`, which can name the encoding, and its address as `content-location`, where relative
    # ? links begin. Do not decode the bytes yourself, and never pass them without `BytesIO`.
    # ? n) Raise `FeedMalformed` if the result has no `version`, because then it is no feed, and if
    # ? feedparser raises an exception of any class. A document with a version is read as far as possible,
    # ? although it is broken.
    # ? o) Return a `RawEntry` for each of the result's `entries`, made by `raw_entry` from the entry and
    # ? the version.
    if declares_entities(document.body):
        raise FeedMalformed
    headers = {"content-type": document.content_type, "content-location": document.url}
    try:
        parsed = feedparser.parse(BytesIO(document.body), response_headers=headers)
    except Exception as error:
        raise FeedMalformed from error
    if not parsed.get("version"):
        raise FeedMalformed
    return [raw_entry(entry, parsed.version) for entry in parsed.entries]
    # END SOLUTION


def raw_entry(entry: Any, version: str) -> RawEntry:
    """Read one entry of feedparser's result. Given to students complete.

    Only Atom says whether a text is HTML. In RSS it is, because most readers show it so.

    Args:
        entry: one of the result's `entries`.
        version: the result's `version`, such as `rss20`.
    """
    is_atom = version.startswith("atom")
    details = [*entry.get("content", ()), entry.get("summary_detail") or {}]
    detail: Any = next((one for one in details if one.get("value")), {})
    title = entry.get("title_detail") or {}
    return RawEntry(
        link=entry.get("link") or "",
        title=title.get("value") or "",
        text=detail.get("value") or "",
        title_is_html=not is_atom or title.get("type") != "text/plain",
        text_is_html=not is_atom or detail.get("type") != "text/plain",
        published_at=_moment(entry.get("published_parsed") or entry.get("updated_parsed")),
        guid=entry.get("id"),
    )


def _moment(parsed: struct_time | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None


def json_entries(document: Document) -> list[RawEntry]:
    """Read the entries of a JSON Feed: https://www.jsonfeed.org/version/1.1/

    Raises:
        FeedMalformed: the document is no JSON, or it has no list `items`.
    """
    # BEGIN SOLUTION 9.1
    # ? p) Raise `FeedMalformed` if the body is no JSON (`json.loads` raises ValueError, or RecursionError
    # ? for deep nesting), if it is no object, or if its `items` are no list. Leave out an item that is no
    # ? object.
    # ? q) An item's link is `url`, or else `external_url`. Its text is `content_html`, or else
    # ? `content_text`, or else `summary`. Only `content_html` is HTML. The title is `title`, the guid is
    # ? `id`. A value that is no text, or an empty one, counts as missing.
    # ? r) Read the time from `date_published`, or from `date_modified` if the first one is missing, with
    # ? `datetime.fromisoformat`. Without a time zone it is UTC. If the text cannot be read, the time is
    # ? None: do not try `date_modified` then.
    try:
        feed = json.loads(document.body)
    except (ValueError, RecursionError) as error:
        raise FeedMalformed from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        raise FeedMalformed

    def first(item: dict[str, Any], *names: str) -> str:
        return next((item[n] for n in names if isinstance(item.get(n), str) and item[n]), "")

    def moment(text: str) -> datetime | None:
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            return None
        return read if read.tzinfo else read.replace(tzinfo=UTC)

    return [
        RawEntry(
            link=first(item, "url", "external_url"),
            title=first(item, "title"),
            text=first(item, "content_html", "content_text", "summary"),
            title_is_html=False,
            text_is_html=bool(first(item, "content_html")),
            published_at=moment(first(item, "date_published", "date_modified")),
            guid=first(item, "id") or None,
        )
        for item in items
        if isinstance(item, dict)
    ]
    # END SOLUTION


def finished(raw: RawEntry, base: str) -> Entry | None:
    """Make an entry that can become an article.

    Args:
        raw: the entry as the feed says it.
        base: the address of the document.

    Returns:
        The entry, or None if it has no title, or no address on the web.
    """
    # BEGIN SOLUTION 9.1
    # ? s) Turn title and text into plain text with `text_of`, if they are HTML. Then pass both through
    # ? `clean`, with `MAX_TITLE_CHARS` and `MAX_TEXT_CHARS`.
    # ? t) Resolve the link against `base`. Return None if the link is empty or only white space, if
    # ? `urljoin` raises ValueError, if the address is none for `is_web_address`, or if the title is empty.
    # ? u) Give the time of publication in UTC. Set it to None if it is before `EARLIEST`, or more than
    # ? `MAX_AHEAD` after the present time, so that a wrong clock does not put an article first for years.
    # ? In the years 1 and 9999, `astimezone` can raise OverflowError. Set the time to None then, too.
    title = clean(text_of(raw.title) if raw.title_is_html else raw.title, MAX_TITLE_CHARS)
    text = clean(text_of(raw.text) if raw.text_is_html else raw.text, MAX_TEXT_CHARS)
    try:
        url = urljoin(base, raw.link)
    except ValueError:
        return None
    if not raw.link.strip() or not is_web_address(url) or not title:
        return None
    at = raw.published_at
    if at is not None and not EARLIEST <= at <= datetime.now(UTC) + MAX_AHEAD:
        at = None
    return Entry(url, title, text, at.astimezone(UTC) if at else None, raw.guid)
    # END SOLUTION
