"""Calls of the student's functions about feeds, and their settings in one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from autograder.sdk import Answer, Student, fail, made, packed
from autograder.sdk.answers import must_return

FEEDS = "pipeline.news.feeds"
MODELS = "pipeline.news.models"
MALFORMED = "FeedMalformed"
REFUSED = "FeedRefused"
UNAVAILABLE = "FeedUnavailable"
TOO_LARGE = "FeedTooLarge"
HOME = "https://feeds.example/desk/news.xml"
"""Where the documents of most checks come from."""


@contextmanager
def settings(student: Student, **values: float | str) -> Iterator[None]:
    """Let the process that calls the student's functions have these settings, inside the block."""
    names = {name.upper(): str(value) for name, value in values.items()}
    student.call("os", "environ.update", names)
    student.call("pipeline.news.feed_settings", "news_settings.cache_clear")
    try:
        yield
    finally:
        for name in names:
            student.call("os", "environ.pop", name, None)
        student.call("pipeline.news.feed_settings", "news_settings.cache_clear")


def feed(url: str, **values: Any) -> dict[str, Any]:
    """A `Feed` for an argument."""
    return made(MODELS, "Feed", "a-feed", url, **values)


def document(
    body: bytes | str, url: str = HOME, content_type: str = "application/xml"
) -> dict[str, Any]:
    """A `Document` for an argument."""
    content = body.encode() if isinstance(body, str) else body
    return made(FEEDS, "Document", url, content_type, packed(content))


def fetched(sent: str, answer: Answer) -> dict[str, Any]:
    """The document that a fetch must return."""
    value = must_return(sent, answer)
    if not isinstance(value, dict) or "body" not in value:
        fail(sent=sent, expected="a `Document`", got=value)
    return value


def bytes_of(value: Any) -> bytes | None:
    """The bytes in an answer, or None if it is something else."""
    import base64
    import binascii

    if isinstance(value, dict) and value.get("__type__") == "bytes":
        try:
            return base64.b64decode(str(value.get("value")))
        except binascii.Error:
            return None
    return None


def moment(value: Any) -> datetime | None:
    """A time in an answer. None: it is none, or it has no time zone, or another one than UTC."""
    if not isinstance(value, dict) or value.get("__type__") != "datetime":
        return None
    try:
        read = datetime.fromisoformat(str(value.get("value")))
    except ValueError:
        return None
    return read if read.utcoffset() == datetime.now(UTC).utcoffset() else None


def entries(
    student: Student, sent: str, one: Mapping[str, Any], timeout: float = 20.0
) -> list[dict[str, Any]]:
    """The entries that `read_entries` must return for a document."""
    value = must_return(sent, student.ask(FEEDS, "read_entries", one, timeout=timeout))
    if not isinstance(value, list) or not all(isinstance(e, dict) and "url" in e for e in value):
        fail(sent=sent, expected="a list of `Entry`", got=value)
    return value
