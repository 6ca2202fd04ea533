"""Eight addresses. Which belong to a private network? Three ways to decide."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

PRIVATE = [
    ip_network(network)
    for network in (
        "127.0.0.0/8",  # this machine
        "10.0.0.0/8",  # a private network
        "192.168.0.0/16",
        "169.254.0.0/16",  # link-local: the cloud's metadata is at 169.254.169.254
        "::1/128",
        "fc00::/7",  # a private network, in IPv6
    )
]
TRANSLATED = ip_network("64:ff9b::/96")
"""A NAT64 router forwards these to the IPv4 address in their last 32 bits."""
ADDRESSES = (
    "10.0.0.7",
    "169.254.169.254",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "8.8.8.8",
    "::ffff:8.8.8.8",
)


def by_text(address: str) -> bool:
    return address.startswith(("127.", "10.", "192.168.", "169.254.", "::1", "fd"))


def by_network(address: str) -> bool:
    return any(ip_address(address) in network for network in PRIVATE)


def by_destination(address: str) -> bool:
    return any(destination(address) in network for network in PRIVATE)


def destination(address: str) -> IPv4Address | IPv6Address:
    """Return the address of the machine that a packet reaches."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return ip.ipv4_mapped
        if ip in TRANSLATED:
            return IPv4Address(ip.packed[-4:])
    return ip


def main() -> None:
    ways: tuple[Callable[[str], bool], ...] = (by_text, by_network, by_destination)
    print(" " * 22, *(f"{way.__name__:>14}" for way in ways))
    for address in ADDRESSES:
        cells = ("private" if way(address) else "public" for way in ways)
        print(f"{address:<22}", *(f"{cell:>14}" for cell in cells))


if __name__ == "__main__":
    main()
