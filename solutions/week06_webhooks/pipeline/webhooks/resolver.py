"""Resolves names to addresses. Given to students complete.

It asks the system's name servers with dnspython and not with `getaddrinfo`, for two reasons. `getaddrinfo`
also reads `/etc/hosts`, which contains names of this network. And it may wait a minute for a name server
that does not answer.
"""

from __future__ import annotations

from ipaddress import ip_address

import dns.exception
import dns.resolver

from pipeline.webhooks.errors import HostUnknown, NameUnresolved
from pipeline.webhooks.settings import DNS_SECONDS, webhook_settings

MAX_ADDRESSES = 16


def resolve(host: str) -> list[str]:
    """Return all addresses of a host, IPv4 first. This blocks for at most `DNS_SECONDS`.

    If the host already is an address, this address is the result.

    Raises:
        HostUnknown: the name does not exist, or it has no address.
        NameUnresolved: the name server did not answer.
    """
    try:
        return [str(ip_address(host))]
    except ValueError:
        return _asked(host)


def _asked(host: str) -> list[str]:
    try:
        answers = _resolver().resolve_name(f"{host}.", lifetime=DNS_SECONDS, search=False)
        found = sorted(answers.addresses_and_families(), key=lambda one: one[1])
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
        raise HostUnknown from error
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise NameUnresolved from error
    if not found:
        raise HostUnknown
    return [address for address, _ in found[:MAX_ADDRESSES]]


def _resolver() -> dns.resolver.Resolver:
    server = webhook_settings().webhook_dns_server
    resolver = dns.resolver.Resolver(configure=server is None)
    if server is not None:
        address, _, port = server.rpartition(":")
        resolver.nameservers = [address]
        resolver.port = int(port)
    return resolver
