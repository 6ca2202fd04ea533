"""Reading an address that a stranger wrote: strictly, and once. Given.

Programs read odd addresses in different ways. Whoever checks by one reader and connects by another
has checked nothing. So what is odd is refused, and from then on only the parts are used.
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
"""A last label like this makes the whole host a number to some readers: 127.1, 0x7f.1, 2130706433."""
LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")
"""Names that are never the public internet's, and all below them."""
SAFE = "/?:@!$&'()*+,;=-._~%"
"""What stands in a path and a query as it is."""


@dataclass(frozen=True)
class Url:
    """The parts of an address, in one spelling: lower case, no dot at the end, ASCII."""

    scheme: str
    host: str
    """A name, or an address without brackets."""
    port: int
    target: str
    """Path and query, as the request's first line has them."""

    @property
    def bracketed(self) -> str:
        """The host as it stands in an address."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """`host:port`, the port always."""
        return f"{self.bracketed}:{self.port}"


def read_url(text: str) -> Url:
    """Take an address apart.

    Raises:
        UnsafeUrl: it is none, or one that not every reader reads alike.
    """
    if len(text) > MAX_URL_CHARS:
        raise UnsafeUrl(f"The address is longer than {MAX_URL_CHARS} characters.")
    if not text.isprintable() or " " in text or "\\" in text:
        raise UnsafeUrl("The address has characters that do not belong in one.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UnsafeUrl("This is no address of a web page.") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise UnsafeUrl("The address has to begin with https.")
    if "@" in parts.netloc:
        raise UnsafeUrl("The address must not hold a user name or a password.")
    if port == 0 or parts.netloc.endswith(":"):
        raise UnsafeUrl("The address has a port that is none.")
    return Url(parts.scheme, _host(parts), port or DEFAULT_PORTS[parts.scheme], _target(parts))


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if not host:
        raise UnsafeUrl("The address has no host.")
    if "[" in parts.netloc:
        return _ipv6(host)
    name = _ascii(host).removesuffix(".")
    if not NAME.fullmatch(name) or len(name) > 253:
        raise UnsafeUrl("The host of the address is no name.")
    if NUMERIC.fullmatch(name.rpartition(".")[2]):
        return _ipv4(name)
    return name


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True, transitional=False).decode()
    except idna.IDNAError:
        raise UnsafeUrl("The host of the address is no name.") from None


def _ipv4(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        raise UnsafeUrl("Write an IPv4 address as four decimal numbers.") from None


def _ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError:
        raise UnsafeUrl("The host of the address is no IPv6 address.") from None
    if address.scope_id:
        raise UnsafeUrl("The address names a network interface.")
    return str(address)


def _target(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return quote(f"{parts.path or '/'}{query}", safe=SAFE)


def is_local_name(host: str) -> bool:
    """Whether a name can only mean something in this network."""
    if ":" in host:
        return False
    return "." not in host or host.endswith(tuple(f".{name}" for name in LOCAL_NAMES))
