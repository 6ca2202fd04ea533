"""Parses the URL of a webhook, strictly and once. Given to students complete.

Programs parse unusual URLs in different ways. A check by one parser is useless if another parser then
decides where to connect. So unusual URLs are refused, and later code uses only the parsed parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

import idna

from pipeline.webhooks.errors import UnsafeUrl

MAX_URL_CHARS = 2048
DEFAULT_PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""If the last label looks like this, some parsers read the host as a number: 127.1, 0x7f.1, 2130706433."""
LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")
"""Names that never belong to the public internet. The same holds for all names below them."""
SAFE = "/?:@!$&'()*+,;=-._~%"
"""The characters that are not percent-encoded in a path and a query."""


@dataclass(frozen=True)
class Url:
    """The parts of a URL. The host is in lower case and ASCII, without a dot at the end."""

    scheme: str
    host: str
    """A name, or an IP address without brackets."""
    port: int
    target: str
    """Path and query, as in the first line of the request."""

    @property
    def bracketed(self) -> str:
        """The host as it is written in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """`host:port`, always with the port."""
        return f"{self.bracketed}:{self.port}"


def read_url(text: str) -> Url:
    """Parse a URL.

    Raises:
        UnsafeUrl: it is not a URL, or some parsers would read it in another way.
    """
    if len(text) > MAX_URL_CHARS:
        raise UnsafeUrl(f"The URL is longer than {MAX_URL_CHARS} characters.")
    if not text.isprintable() or " " in text or "\\" in text:
        raise UnsafeUrl("The URL contains characters that are not allowed.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UnsafeUrl("This is not a URL.") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise UnsafeUrl("The URL must begin with https.")
    if "@" in parts.netloc:
        raise UnsafeUrl("The URL must not contain a user name or a password.")
    if port == 0 or parts.netloc.endswith(":"):
        raise UnsafeUrl("The URL has an invalid port.")
    return Url(parts.scheme, _host(parts), port or DEFAULT_PORTS[parts.scheme], _target(parts))


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if not host:
        raise UnsafeUrl("The URL has no host.")
    if "[" in parts.netloc:
        return _ipv6(host)
    name = _ascii(host).removesuffix(".")
    if not NAME.fullmatch(name) or len(name) > 253:
        raise UnsafeUrl("The host of the URL is not a valid name.")
    if NUMERIC.fullmatch(name.rpartition(".")[2]):
        return _ipv4(name)
    return name


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True, transitional=False).decode()
    except idna.IDNAError:
        raise UnsafeUrl("The host of the URL is not a valid name.") from None


def _ipv4(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        raise UnsafeUrl("Write an IPv4 address as four decimal numbers.") from None


def _ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError:
        raise UnsafeUrl("The host of the URL is not a valid IPv6 address.") from None
    if address.scope_id:
        raise UnsafeUrl("The URL must not name a network interface.")
    return str(address)


def _target(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return quote(f"{parts.path or '/'}{query}", safe=SAFE)


def is_local_name(host: str) -> bool:
    """Return whether a name can only belong to a local network."""
    if ":" in host:
        return False
    return "." not in host or host.endswith(tuple(f".{name}" for name in LOCAL_NAMES))
