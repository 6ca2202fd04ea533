"""Names to addresses. Given.

It asks the name servers of the system, with dnspython and not with `getaddrinfo`: that one knows the
names in `/etc/hosts`, which are this network's own, and may take a minute to say that nobody answers.
"""

from __future__ import annotations

from ipaddress import ip_address

import dns.exception
import dns.resolver

from pipeline.webhooks.errors import HostUnknown, NameUnresolved
from pipeline.webhooks.settings import DNS_SECONDS, webhook_settings

MAX_ADDRESSES = 16


def resolve(host: str) -> list[str]:
    """Every address of a host, IPv4 first. An address is its own. Blocks, `DNS_SECONDS` at most.

    Raises:
        HostUnknown: there is no such name, or it has no address.
        NameUnresolved: nobody says.
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
