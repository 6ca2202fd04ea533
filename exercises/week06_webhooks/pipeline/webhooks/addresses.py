"""The networks that do not belong to the public internet. Given to students complete.

The networks are from IANA's registries of special-purpose addresses (RFC 6890 and its successors):
https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
The list is our own, because `ipaddress.is_global` gives different results in different versions of Python.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # "this" network; 0.0.0.0 reaches this machine
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a provider's customers (CGNAT); metadata of some clouds
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local: 169.254.169.254 is the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and 255.255.255.255
        "168.63.129.16/32",  # Azure's own services, as seen by its virtual machines
        "::/8",  # unspecified, loopback, IPv4-compatible, reserved
        "100::/64",  # discard
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: contains any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "64:ff9b:1::/48",  # NAT64 of a local network: contains any IPv4 address
        "fc00::/7",  # unique local: fd00:ec2::254 is the metadata of EC2
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, which is obsolete
        "ff00::/8",  # multicast
    )
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All IPv6 addresses that IANA has assigned to the public internet so far."""
NAT64 = IPv6Network("64:ff9b::/96")
"""A NAT64 router forwards these to the IPv4 address in the last four bytes."""


def embedded_ipv4(address: Address) -> IPv4Address | None:
    """Return the IPv4 address at which packets to an IPv6 address end, or None if there is none.

    This covers the two forms that name servers really return. The other forms that contain an IPv4
    address (6to4, Teredo, `::a.b.c.d`) are obsolete and belong to the `SPECIAL` networks.
    """
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped
