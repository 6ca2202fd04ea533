"""Where we send requests that strangers ask for: to the public internet, and nowhere else.

A webhook's address is a wish of whoever registers it. Our workers stand inside our network, where
databases and the cloud's metadata trust whoever can connect. To make a server send a request to
where its attacker cannot is server-side request forgery (SSRF).
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
    """A webhook's address, checked. Whoever sends there connects to `addresses`, in this order, and
    never asks for the name again: the next answer may be another.
    """

    url: Url
    addresses: tuple[str, ...]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet. A text that is no address is not."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    # TODO 6.4: An IPv6 address can hold an IPv4 address (`embedded_ipv4`), and the request ends up
    #   there: judge that one. `::ffff:127.0.0.1` is this machine.
    #   What lies in one of the `SPECIAL` networks is not public. An IPv6 address has to be in
    #   `GLOBAL_UNICAST` besides: what nobody was given yet is not public either.
    raise NotImplementedError("6.4")


def checked(url: str) -> Target:
    """Where to connect for this address, so that the request ends up where it may.

    At registration it tells the owner of a mistake. What protects us is the check at each delivery:
    a name can lead elsewhere by then.

    Raises:
        UnsafeUrl: we do not send there. The message says why, but not what a name resolves to.
        HostUnknown, NameUnresolved: its host has no address, or nobody says which.
    """
    wanted = read_url(url)
    if wanted.authority in webhook_settings().webhook_allowed_targets:
        return Target(wanted, tuple(resolve(wanted.host)))
    check_policy(wanted)
    # TODO 6.4: Ask for the host's addresses once (`resolve`), and keep the answer: whoever asks
    #   twice may check one answer and connect to the other.
    #   A name can have many addresses, and a connection goes to any of them. How many may be bad?
    raise NotImplementedError("6.4")


def check_policy(url: Url) -> None:
    """Scheme, port and name are such that an address is worth asking for. Given. Raises UnsafeUrl."""
    settings = webhook_settings()
    if url.scheme != "https" and not settings.webhook_allow_http:
        raise UnsafeUrl("The address has to begin with https.")
    if url.port not in settings.webhook_ports:
        raise UnsafeUrl("Webhooks are not sent to this port.")
    if is_local_name(url.host):
        raise UnsafeUrl("The host's name is not one of the public internet.")
