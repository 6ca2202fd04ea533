"""What graders, tests and the demo use to publish feeds on the feed server, and to read who asked."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bootcamp.providers.clients import Control

RSS = "application/rss+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """One request that the feed server was sent.

    `name` is the last part of the address. `headers` keep their order and case. `status` is None while the
    request is under way, and when no whole answer was sent. The other fields are as in `JournalEntry`.
    """

    sequence: int
    name: str
    started: float
    ended: float | None
    status: int | None
    in_flight: int
    fault: str | None
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case."""
        found = (value for key, value in self.headers if key.lower() == name.lower())
        return next(found, None)


class FeedServer(Control):
    """Publish feeds for one run, script faults, and read what was asked for.

    Args:
        url: the server's address.
        token: the stack's control token.
        run: a name that nobody else uses; it keeps runs apart.
    """

    def __init__(self, url: str, token: str, run: str) -> None:
        if "/" in run:
            raise ValueError(f"A run's name has no slash: {run!r}")
        super().__init__(url, token, run)
        self.run = run

    @property
    def base(self) -> str:
        """The address below which the run's feeds are: what `NEWS_FEEDS_URL` gives."""
        return f"{self.base_url}/feeds/{quote(self.run, safe='')}"

    def url(self, name: str) -> str:
        """The address of a feed. Faults name it by `on=name`."""
        return f"{self.base}/{quote(name)}"

    def publish(
        self,
        name: str,
        body: bytes | str,
        *,
        content_type: str | None = RSS,
        etag: str | None = None,
        last_modified: str | None = None,
        compress: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Serve a document from now on, and return its address.

        Args:
            name: the last part of the address.
            body: the document. A text is encoded in UTF-8.
            content_type: None for none.
            etag: with its quotation marks. A request that names it gets 304.
            last_modified: in HTTP's form. A request that names it gets 304.
            compress: send it as gzip.
            headers: sent too, such as `content-encoding` for a body that is compressed already.
        """
        known = {"content-type": content_type, "etag": etag, "last-modified": last_modified}
        sent = {key: value for key, value in known.items() if value is not None}
        content = body.encode() if isinstance(body, str) else body
        if compress:
            content, sent = gzip.compress(content), sent | {"content-encoding": "gzip"}
        record = {
            "name": name,
            "body": base64.b64encode(content).decode(),
            "headers": sent | dict(headers or {}),
        }
        self._call("POST", "/documents", json=record)
        return self.url(name)

    def withdraw(self) -> None:
        """Serve nothing any more: each address answers 404."""
        self._call("DELETE", "/documents")

    def requests(self, name: str | None = None) -> list[FeedRequest]:
        """Every request to this run (or for one feed), in the order of arrival.

        Raises:
            StackError: the server does not answer, or its bounded memory overflowed.
        """
        return [_request(e) for e in self._entries() if name in (None, e["endpoint"])]

    def wait_for(self, count: int, timeout: float, name: str | None = None) -> list[FeedRequest]:
        """The requests, once `count` have ended. At the deadline, whatever there is."""
        return [_request(e) for e in self._poll(count, timeout, name)]


def _request(record: dict[str, Any]) -> FeedRequest:
    values = {key: value for key, value in record.items() if key != "endpoint"}
    values["name"] = record["endpoint"]
    values["headers"] = tuple((name, value) for name, value in record["headers"])
    return FeedRequest(**values)
