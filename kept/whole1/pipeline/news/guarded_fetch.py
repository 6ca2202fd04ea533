"""Sends one GET to a checked address. Given to students complete.

An address of a feed, and of every redirect, is chosen by somebody else. So the rules of week 6 hold: the
address is parsed once and strictly, its name is resolved once, all of its addresses must be public, and the
connection goes to one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpcore

from pipeline.news.errors import FeedRefused, FeedUnavailable
from pipeline.news.feed_settings import news_settings
from pipeline.webhooks.errors import HostUnknown, NameUnresolved, UnsafeUrl
from pipeline.webhooks.resolver import resolve
from pipeline.webhooks.safety import Target, is_public
from pipeline.webhooks.sending import FAILURES, Deadline, PinnedBackend, certificates
from pipeline.webhooks.urls import is_local_name, read_url

HEADERS = {
    "user-agent": "async-ai-bootcamp-news/1",
    "accept": "application/rss+xml, application/atom+xml, application/feed+json, */*;q=0.5",
    "accept-encoding": "gzip, deflate",
}
"""What each request says."""
MAX_HEADER_CHARS = 2_000
"""Longer response headers are left out."""

__all__ = ["Answer", "Deadline", "checked_target", "open_url"]


@dataclass(frozen=True)
class Answer:
    """The response to one request, of any status."""

    status: int
    headers: Mapping[str, str]
    """Their names are in lower case."""
    pieces: Iterator[bytes]
    """The body as it arrives: compressed, if the header `content-encoding` says so, and of any length."""


def checked_target(url: str) -> Target:
    """Check the address of a feed, and resolve its host once.

    Raises:
        FeedRefused: no request is sent to this address, because it is not on the public internet.
        FeedUnavailable: the name server did not answer.
    """
    settings = news_settings()
    try:
        wanted = read_url(url)
        if wanted.authority in settings.news_allowed_targets:
            return Target(wanted, tuple(resolve(wanted.host)))
        if wanted.port not in settings.news_ports or is_local_name(wanted.host):
            raise FeedRefused
        addresses = tuple(resolve(wanted.host))
    except (UnsafeUrl, HostUnknown) as error:
        raise FeedRefused from error
    except NameUnresolved as error:
        raise FeedUnavailable from error
    if not all(map(is_public, addresses)):
        raise FeedRefused
    return Target(wanted, addresses)


@contextmanager
def open_url(url: str, headers: Mapping[str, str], deadline: Deadline) -> Iterator[Answer]:
    """Check an address, send one GET there, and give the response. It follows no redirect.

    Args:
        url: where to send.
        headers: these are added to `HEADERS`.
        deadline: `Deadline(seconds)`. No wait for the server lasts longer, in the `with` block neither.

    Raises:
        FeedRefused: no request is sent to this address.
        FeedUnavailable: the server cannot be reached, it breaks the connection, or the time is over.
    """
    target, sent = checked_target(url), {**HEADERS, **headers}
    where = httpcore.URL(
        scheme=target.url.scheme,
        host=target.url.bracketed,
        port=target.url.port,
        target=target.url.target,
    )
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=certificates(), network_backend=PinnedBackend(target, deadline)
            ) as pool,
            pool.stream(
                "GET",
                where,
                headers=[(key, value.encode("latin-1")) for key, value in sent.items()],
                extensions={"sni_hostname": target.url.host},
            ) as response,
        ):
            yield Answer(response.status, _headers(response), response.iter_stream())
    except (TimeoutError, OSError, *FAILURES) as error:
        raise FeedUnavailable from error


def _headers(response: httpcore.Response) -> dict[str, str]:
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
    return {name.lower(): value for name, value in pairs if len(value) <= MAX_HEADER_CHARS}
