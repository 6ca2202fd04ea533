"""Fetches feeds and reads their entries. Whatever a feed's server sends, the limits hold."""

from __future__ import annotations

import json
import zlib
from calendar import timegm
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
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
OK, NOT_MODIFIED, TOO_MANY_REQUESTS, SERVER_ERROR = 200, 304, 429, 500
PLAIN_ENCODINGS = frozenset({"", "identity"})
ZLIB_ENCODINGS = frozenset({"gzip", "deflate"})
GZIP_OR_ZLIB = 47
"""zlib's `wbits` for both formats: the header says which one it is."""
BEFORE_JSON = "\ufeff \t\r\n"
"""What can stand before a JSON document."""
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


def condition_headers(feed: Feed) -> dict[str, str]:
    """Return the headers that ask for the document only if it has changed."""
    versions = {"if-none-match": feed.etag, "if-modified-since": feed.last_modified}
    return {name: version for name, version in versions.items() if version}


def check_status(status: int) -> None:
    """Return if a response of this status has a document. Redirects and 304 are none of this function's."""
    if status == TOO_MANY_REQUESTS or status >= SERVER_ERROR:
        raise FeedUnavailable
    if status != OK:
        raise FeedRefused


def redirect_target(url: str, answer: Answer) -> str:
    """Return the address to which a response redirects a request for `url`. Raises FeedRefused."""
    location = answer.headers.get("location")
    if not location:
        raise FeedRefused
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise FeedRefused from error


def document_from(url: str, answer: Answer) -> Document:
    """Read the document that a response has."""
    return Document(
        url=url,
        content_type=answer.headers.get("content-type", ""),
        body=read_body(answer, news_settings().news_max_bytes),
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
    )


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
    url, headers = feed.url, condition_headers(feed)
    for _ in range(1 + MAX_REDIRECTS):
        with open_url(url, headers, deadline) as answer:
            if answer.status == NOT_MODIFIED:
                return None
            if answer.status not in REDIRECTS:
                check_status(answer.status)
                return document_from(url, answer)
            url = redirect_target(url, answer)
    raise FeedRefused


def limited(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Pass pieces on, until they have more than `most` bytes together. Then raise FeedTooLarge."""
    arrived = 0
    for piece in pieces:
        arrived += len(piece)
        if arrived > most:
            raise FeedTooLarge
        yield piece


def decompressed(pieces: Iterable[bytes], most: int) -> bytes:
    """Decompress gzip or zlib, and stop at the first byte after `most`."""
    decompressor = zlib.decompressobj(wbits=GZIP_OR_ZLIB)
    body = bytearray()
    for piece in pieces:
        try:
            body += decompressor.decompress(piece, most + 1 - len(body))
        except zlib.error as error:
            raise FeedMalformed from error
        if len(body) > most:
            raise FeedTooLarge
    if not decompressor.eof:
        raise FeedMalformed
    return bytes(body)


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
    arrived = limited(answer.pieces, most)
    if encoding in PLAIN_ENCODINGS:
        return b"".join(arrived)
    if encoding in ZLIB_ENCODINGS:
        return decompressed(arrived, most)
    raise FeedMalformed


def is_json(body: bytes) -> bool:
    """Return whether a document is a JSON Feed and not XML."""
    try:
        return json_text(body).startswith("{")
    except ValueError:  # neither UTF-8, nor UTF-16, nor UTF-32: XML names its encoding itself
        return body.removeprefix(BOM_UTF8).lstrip().startswith(b"{")


def json_text(body: bytes) -> str:
    """Return the text of a JSON document without what may stand before it. Raises ValueError."""
    return body.decode(json.detect_encoding(body)).lstrip(BEFORE_JSON)


def read_entries(document: Document) -> list[Entry]:
    """Read the entries of a feed document.

    Args:
        document: RSS 0.91 to 2.0, RDF, Atom or JSON Feed, well-formed or not.

    Returns:
        The entries that can become articles, in the order of the document.

    Raises:
        FeedMalformed: the document is no feed, or it declares entities.
    """
    read = json_entries if is_json(document.body) else xml_entries
    entries = (finished(raw, document.url) for raw in read(document)[:MAX_ENTRIES])
    return [entry for entry in entries if entry is not None]


def xml_entries(document: Document) -> list[RawEntry]:
    """Read the entries of RSS, RDF and Atom with feedparser.

    Raises:
        FeedMalformed: the document is no feed, or it declares entities.
    """
    if declares_entities(document.body):
        raise FeedMalformed
    headers = {"content-type": document.content_type, "content-location": document.url}
    try:
        result = feedparser.parse(BytesIO(document.body), response_headers=headers)
    except Exception as error:  # its parsers raise errors of many classes
        raise FeedMalformed from error
    version = result.get("version")
    if not version:
        raise FeedMalformed
    return [raw_entry(entry, version) for entry in result.entries]


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


def json_entry(item: dict[str, Any]) -> RawEntry:
    """Read one item of a JSON Feed."""
    html = first_text(item, "content_html")
    return RawEntry(
        link=first_text(item, "url", "external_url"),
        title=first_text(item, "title"),
        text=html or first_text(item, "content_text", "summary"),
        title_is_html=False,
        text_is_html=bool(html),
        published_at=iso_moment(first_text(item, "date_published", "date_modified")),
        guid=first_text(item, "id") or None,
    )


def first_text(item: dict[str, Any], *keys: str) -> str:
    """Return the first value that is a text and not empty, or ""."""
    values = (item.get(key) for key in keys)
    return next((value for value in values if isinstance(value, str) and value), "")


def iso_moment(text: str) -> datetime | None:
    """Read a time, which is UTC if it does not say otherwise. None: it cannot be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def json_entries(document: Document) -> list[RawEntry]:
    """Read the entries of a JSON Feed: https://www.jsonfeed.org/version/1.1/

    Raises:
        FeedMalformed: the document is no JSON, or it has no list `items`.
    """
    try:
        content = json.loads(json_text(document.body))
    except (ValueError, RecursionError) as error:
        raise FeedMalformed from error
    items = content.get("items") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise FeedMalformed
    return [json_entry(item) for item in items if isinstance(item, dict)]


def plain(text: str, is_html: bool) -> str:
    """Return plain text."""
    return text_of(text) if is_html else text


def resolved(base: str, link: str) -> str | None:
    """Return the absolute address of a link, or None if it has none on the web."""
    if not link:
        return None
    try:
        url = urljoin(base, link)
    except ValueError:
        return None
    return url if is_web_address(url) else None


def credible_time(moment: datetime | None, now: datetime) -> datetime | None:
    """Return a time of publication in UTC, or None if it cannot be right."""
    try:
        in_utc = moment and moment.astimezone(UTC)
    except OverflowError:  # the years 1 and 9999
        return None
    return in_utc if in_utc and EARLIEST <= in_utc <= now + MAX_AHEAD else None


def finished(raw: RawEntry, base: str) -> Entry | None:
    """Make an entry that can become an article.

    Args:
        raw: the entry as the feed says it.
        base: the address of the document.

    Returns:
        The entry, or None if it has no title, or no address on the web.
    """
    title = clean(plain(raw.title, raw.title_is_html), MAX_TITLE_CHARS)
    text = clean(plain(raw.text, raw.text_is_html), MAX_TEXT_CHARS)
    url = resolved(base, raw.link.strip())
    if url is None or not title:
        return None
    return Entry(url, title, text, credible_time(raw.published_at, datetime.now(UTC)), raw.guid)
