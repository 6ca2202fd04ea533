"""Decides where webhooks may be sent: to addresses of the public internet, and nowhere else.

The client who registers a webhook chooses its URL. Our workers run inside our network, where databases
and the cloud's metadata service accept every connection. An attacker who makes a server send a request
that the attacker could not send directly commits server-side request forgery (SSRF).
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from pipeline.webhooks.addresses import GLOBAL_UNICAST, SPECIAL, embedded_ipv4
from pipeline.webhooks.errors import UnsafeUrl
from pipeline.webhooks.resolver import resolve
from pipeline.webhooks.settings import webhook_settings
from pipeline.webhooks.urls import Url, is_local_name, read_url


@dataclass(frozen=True)
class Target:
    """A checked destination of a webhook.

    `sending.py` connects to `addresses`, in this order. It never resolves the name again, because a
    second answer could contain other addresses.
    """

    url: Url
    addresses: tuple[str, ...]


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet. For a text that is no address: False."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    # BEGIN SOLUTION 6.4
    # ? a) If the address contains an IPv4 address (`embedded_ipv4` returns one), judge that address in
    # ? its place, because packets end there. For example, `::ffff:127.0.0.1` is this machine.
    # ? b) Return False for an address in one of the `SPECIAL` networks.
    # ? c) Return False for an IPv6 address outside `GLOBAL_UNICAST`. This rule is not for IPv4.
    # ? d) Return True for every other address.
    ip = embedded_ipv4(ip) or ip
    if any(ip in network for network in SPECIAL):
        return False
    return ip.version == 4 or ip in GLOBAL_UNICAST
    # END SOLUTION


def checked(url: str) -> Target:
    """Check a URL, resolve its host once, and return where to connect.

    The check at registration tells the owner about a mistake. The check before each attempt is the
    protection, because a name can resolve to other addresses by then.

    Raises:
        UnsafeUrl: webhooks are not sent there. The message never contains a resolved address.
        HostUnknown: the host has no address.
        NameUnresolved: the name server did not answer.
    """
    wanted = read_url(url)
    if wanted.authority in webhook_settings().webhook_allowed_targets:
        return Target(wanted, tuple(resolve(wanted.host)))
    check_policy(wanted)
    # BEGIN SOLUTION 6.4
    # ? e) Call `resolve(wanted.host)` exactly once. Check this answer and return this answer: the second
    # ? answer of an attacker's name server can be different.
    # ? f) Raise `UnsafeUrl` if one or more of the addresses is not public, even if all others are.
    # ? g) Do not write any of the addresses into the message of `UnsafeUrl`.
    # ? h) Let `HostUnknown` and `NameUnresolved` pass: a name that cannot be resolved is not unsafe.
    # ? i) Return a `Target` with `wanted` and a tuple of all addresses, in the order of the answer.
    addresses = tuple(resolve(wanted.host))
    if not all(map(is_public, addresses)):
        raise UnsafeUrl("The host's address is not on the public internet.")
    return Target(wanted, addresses)
    # END SOLUTION


def check_policy(url: Url) -> None:
    """Check scheme, port and name before the name is resolved. Given to students complete.

    Raises:
        UnsafeUrl: one of them is not allowed.
    """
    settings = webhook_settings()
    if url.scheme != "https" and not settings.webhook_allow_http:
        raise UnsafeUrl("The URL must begin with https.")
    if url.port not in settings.webhook_ports:
        raise UnsafeUrl("Webhooks are not sent to this port.")
    if is_local_name(url.host):
        raise UnsafeUrl("The host's name is not one of the public internet.")
