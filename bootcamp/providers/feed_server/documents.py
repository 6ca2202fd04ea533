"""The documents that the feed server serves, for each account. No I/O in here."""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MAX_DOCUMENTS = 2_000
"""Documents kept for each account."""
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""Bytes of all documents of an account."""
MAX_ACCOUNTS = 2_000
"""Beyond this the account published to longest ago is dropped."""
OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "date"})
"""Headers that the server sets itself."""


@dataclass(frozen=True, slots=True)
class Document:
    """What one address serves. `headers` are sent as they are, their names in lower case."""

    body: bytes
    headers: Mapping[str, str]

    def is_known(self, request: Mapping[str, str]) -> bool:
        """Whether a request already has this document, so that 304 is the answer (RFC 9110, 13.2.2).

        Args:
            request: the headers of the request, their names in lower case.
        """
        if (known := request.get("if-none-match")) is not None:
            tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
            own = self.headers.get("etag")
            return own is not None and own.removeprefix("W/") in tags
        since, modified = request.get("if-modified-since"), self.headers.get("last-modified")
        if since is None or modified is None:
            return False
        if since == modified:
            return True
        try:
            return parsedate_to_datetime(modified) <= parsedate_to_datetime(since)
        except (ValueError, TypeError):
            return False


class Documents:
    """All documents, by account and name."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, dict[str, Document]] = OrderedDict()

    def find(self, account: str, name: str) -> Document | None:
        """Return what this address serves, or None."""
        return self._accounts.get(account, {}).get(name)

    def publish(self, account: str, record: object) -> None:
        """Serve a document, in place of the one that had its name.

        Args:
            account: whose document it is.
            record: `{"name": text, "body": base64, "headers": {…}}`, as the control plane takes it.

        Raises:
            ValueError: a field is wrong, or a limit is exceeded.
        """
        name, document = _read(record)
        own = self._accounts.setdefault(account, {})
        self._accounts.move_to_end(account)
        while len(self._accounts) > MAX_ACCOUNTS:
            self._accounts.popitem(last=False)
        others = [one for key, one in own.items() if key != name]
        if len(others) >= MAX_DOCUMENTS:
            raise ValueError(f"at most {MAX_DOCUMENTS} documents can be published")
        if sum(len(one.body) for one in others) + len(document.body) > MAX_DOCUMENT_BYTES:
            raise ValueError(f"all documents together have at most {MAX_DOCUMENT_BYTES} bytes")
        own[name] = document

    def withdraw(self, account: str) -> None:
        """Serve nothing of this account any more."""
        self._accounts.pop(account, None)


def _read(record: object) -> tuple[str, Document]:
    if not isinstance(record, dict):
        raise ValueError("a document is a JSON object")
    name, body, headers = record.get("name"), record.get("body"), record.get("headers")
    if not isinstance(name, str) or not isinstance(body, str) or not isinstance(headers, dict):
        raise ValueError("a document has a name, a body in base64, and headers")
    if not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise ValueError("headers is an object of texts")
    sent = {key.lower(): value for key, value in headers.items()}
    if OWN_HEADERS & set(sent):
        raise ValueError("the server sets this header itself")
    try:
        return name, Document(base64.b64decode(body, validate=True), sent)
    except binascii.Error:
        raise ValueError("body is no base64") from None
