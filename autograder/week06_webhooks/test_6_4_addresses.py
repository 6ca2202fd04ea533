"""6.4: which addresses are public, in whatever form they are written.

What a submission could fake:
- counts: lookups of a name are counted by the name server, and a second one loses.
- witness: the returned values, the name server and the receiver.
- place: addresses are drawn beside every special network, in each larger network that contains it, so a
  table that is not the rule fails.
- store: nothing is stored.
- probe: `is_public` sees a text only. `checked` is judged by a name server and a receiver. A replaced
  `resolve` decides only about the order of addresses, which can be noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from random import Random

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, must_return
from autograder.sdk.randomness import function

pytestmark = pytest.mark.item("6.4")

SAFETY = "pipeline.webhooks.safety"

PRIVATE = {
    "this machine": "127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 ::1 ::",
    "a private network": "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1",
    "a private IPv6 network (unique local)": "fc00::1 fd12:3456:789a::1",
    "a cloud's metadata": "169.254.169.254 169.254.170.2 100.100.100.200 fd00:ec2::254 168.63.129.16",
    "link-local": "169.254.0.1 fe80::1 fe80::a9fe:a9fe febf::1",
    "site-local, which is obsolete": "fec0::1",
    "shared by a provider's customers": "100.64.0.1 100.127.255.255",
    "multicast": "224.0.0.1 239.255.255.255 ff02::1 ff0e::1",
    "reserved": "240.0.0.1 255.255.255.255 4000::1 e000::1",
    "for documentation and tests": "192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 198.19.255.255 "
    "2001:db8::1 3fff::1",
    "for protocols": "192.0.0.1 192.88.99.1 192.31.196.1 192.52.193.1 192.175.48.1 2001::1 2001:10::1 "
    "2620:4f:8000::1 100::1 5f00::1",
    "an IPv4 address written as IPv6 (mapped)": "::ffff:127.0.0.1 ::ffff:10.0.0.1 "
    "::ffff:169.254.169.254 ::ffff:192.168.1.1 ::ffff:0.0.0.0 ::ffff:100.64.0.1 ::ffff:168.63.129.16 "
    "::ffff:224.0.0.1 ::ffff:203.0.113.1 ::ffff:192.88.99.1",
    "an IPv4 address written as IPv6 (compatible)": "::127.0.0.1 ::169.254.169.254 ::10.1.2.3",
    "an IPv4 address behind NAT64": "64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 "
    "64:ff9b::100.64.0.1 64:ff9b::224.0.0.1 64:ff9b:1::a9fe:a9fe",
    "an IPv4 address in a 6to4 address": "2002:7f00:1:: 2002:a9fe:a9fe:: 2002:c0a8:101::1",
    "an IPv4 address in a Teredo address": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
}
PUBLIC = (
    "1.1.1.1 8.8.8.8 93.184.216.34 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 "
    "128.0.0.1 169.253.255.255 169.255.0.1 172.15.255.255 172.32.0.1 192.167.255.255 192.169.0.1 "
    "198.17.255.255 198.20.0.1 223.255.255.255 2606:4700:4700::1111 2001:4860:4860::8888 "
    "2a00:1450:4001:81b::200e ::ffff:8.8.8.8 64:ff9b::808:808"
)
RANDOM_PRIVATE = {
    "a private network": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7",
    "this machine": "0.0.0.0/8 127.0.0.0/8",
    "link-local": "169.254.0.0/16 fe80::/10",
    "site-local, which is obsolete": "fec0::/10",
    "shared by a provider's customers": "100.64.0.0/10",
    "multicast": "224.0.0.0/4 ff00::/8",
    "reserved": "240.0.0.0/4 4000::/3 8000::/3 e000::/4",
    "for documentation and tests": "192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
    "2001:db8::/32 3fff::/20",
    "for protocols": "192.0.0.0/24 192.88.99.0/24 2001::/23 100::/64 5f00::/16",
    "an IPv4 address in a 6to4 address": "2002::/16",
    "an IPv4 address behind NAT64": "64:ff9b::a00:0/104 64:ff9b::7f00:0/104 64:ff9b::a9fe:0/112 "
    "64:ff9b:1::/48",
    "an IPv4 address written as IPv6 (mapped)": "::ffff:7f00:0/104 ::ffff:a00:0/104 "
    "::ffff:a9fe:0/112 ::ffff:c0a8:0/112",
    "an IPv4 address written as IPv6 (compatible)": "::/96",
}
SPLIT = (0, 10, 100, 127, 169, 172, 192, 198, 203)
"""First numbers of IPv4 addresses, of which some are public and some are not."""
PUBLIC_IPV4 = [
    *(f"{first}.0.0.0/8" for first in range(224) if first not in SPLIT and first != 168),
    *("100.0.0.0/10", "100.128.0.0/9", "169.0.0.0/9", "172.0.0.0/12", "172.64.0.0/10"),
    *("172.128.0.0/9", "192.96.0.0/11", "192.224.0.0/11", "198.64.0.0/10", "198.128.0.0/9"),
    *("203.64.0.0/10", "203.128.0.0/9"),
]
PUBLIC_IPV6 = ["2400::/12", "2600::/12", "2800::/12", "2a00::/12", "2c00::/12"]
"""From these networks, the five regional registries assign addresses."""
DRAWN_PUBLIC = 24
NETWORKS = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 "
    "198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32 "
    "::/8 100::/64 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 "
    "64:ff9b:1::/48 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
)
SPECIAL = [ip_network(one) for one in NETWORKS.split()]
"""The networks that are not public, as IANA's registries list them."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
MAPPED, NAT64 = IPv6Address("::ffff:0:0"), IPv6Address("64:ff9b::")
"""Two forms of an IPv4 address, which is in the last four bytes."""
ANYWHERE = 200
"""So many addresses are drawn from all that there are."""
NO_ADDRESSES = ("", "example.com", "127.1", "0x7f.0.0.1", "1.2.3.4.5")


def one_of(rng: Random, network: str) -> str:
    """Return a random address of a network."""
    net: IPv4Network | IPv6Network = ip_network(network)
    value = int(net.network_address) + rng.randrange(net.num_addresses)
    kind = IPv4Address if isinstance(net, IPv4Network) else IPv6Address
    return str(kind(value))


def addresses(rng: Random) -> list[tuple[str, str]]:
    """Return addresses that are not public, each with its kind."""
    fixed = [(one, what) for what, many in PRIVATE.items() for one in many.split()]
    drawn = [
        (one_of(rng, network), what)
        for what, many in RANDOM_PRIVATE.items()
        for network in many.split()
    ]
    return fixed + drawn


def test_not_public(code: Code, rng: Random) -> None:
    """a, b, c: addresses of all kinds that are not public, in each form that a name server returns."""
    for address, what in addresses(rng):
        said = must_return(
            f"is_public({address!r})", code.ask(SAFETY, "is_public", address)
        )  # fmt: skip
        if said is not False:
            embedded = "IPv4" in what
            fail(
                sent=f"is_public({address!r}): {what}",
                expected="False",
                got=said,
                cause="judge the IPv4 address that it contains (`embedded_ipv4`). If that is None, "
                "judge the address itself by `SPECIAL` and `GLOBAL_UNICAST`"
                if embedded
                else "it is in one of the `SPECIAL` networks, or it is IPv6 and not in `GLOBAL_UNICAST`",
            )


def test_public(code: Code, rng: Random) -> None:
    """a, d: every other address is public, also one that is written as IPv6."""
    networks = [*rng.sample(PUBLIC_IPV4, DRAWN_PUBLIC), *PUBLIC_IPV6]
    drawn = [one_of(rng, network) for network in networks]
    for address in (*PUBLIC.split(), *drawn):
        sent = f"is_public({address!r})"
        said = must_return(sent, code.ask(SAFETY, "is_public", address))
        if said is not True:
            cause = (
                "a receiver there would never get a webhook. Apply `embedded_ipv4` first, then "
                "`SPECIAL`. The rule about `GLOBAL_UNICAST` is only for IPv6"
            )
            fail(
                sent=sent,
                expected="True, because it is on the public internet",
                got=said,
                cause=cause,
            )


def is_special(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address that contains no IPv4 address is one that webhooks must not reach."""
    within = any(address.version == one.version and address in one for one in SPECIAL)
    return within or (isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST)


def around(rng: Random, network: IPv4Network | IPv6Network) -> Iterator[IPv4Address | IPv6Address]:
    """Yield both ends of a network, both neighbours, one address inside, and one of each network beside it.

    Beside it are the other halves of the networks that contain it: one of each size.
    """
    kind = IPv4Address if isinstance(network, IPv4Network) else IPv6Address
    bits, first = network.max_prefixlen, int(network.network_address)
    last = first + network.num_addresses - 1
    ends = (first - 1, first, rng.randint(first, last), last, last + 1)
    yield from (kind(one) for one in ends if 0 <= one < 1 << bits)
    for size in range(bits - network.prefixlen, bits):
        start = ((first >> size) ^ 1) << size
        yield kind(start + rng.randrange(1 << size))


def everywhere(rng: Random) -> dict[str, bool]:
    """Return addresses around every special network and from anywhere, and whether each one is public."""
    found: dict[str, bool] = {}
    for address in (
        *(one for network in SPECIAL for one in around(rng, network)),
        *(IPv4Address(rng.getrandbits(32)) for _ in range(ANYWHERE)),
        *(IPv6Address((1 << 125) + rng.getrandbits(125)) for _ in range(ANYWHERE)),
    ):
        found[str(address)] = not is_special(address)
        if isinstance(address, IPv4Address):
            form = rng.choice((MAPPED, NAT64))
            found[str(IPv6Address(int(form) + int(address)))] = not is_special(address)
    return found


def test_around_every_network(code: Code, rng: Random) -> None:
    """a, b, c, d: addresses on both sides of every border, and from anywhere."""
    wanted = everywhere(rng)
    order = rng.sample([*wanted], len(wanted))
    asked = made("builtins", "map", function(SAFETY, "is_public"), order)
    sent = f"is_public() of {len(order)} addresses"
    said = must_return(sent, code.ask("builtins", "list", asked))
    if not isinstance(said, list) or len(said) != len(order):
        fail(sent=sent, expected="an answer for each", got=said)
    for address, got in zip(order, said, strict=True):
        if got is wanted[address]:
            continue
        fail(
            sent=f"is_public({address!r})",
            expected=str(wanted[address]),
            got=got,
            cause="it is in none of the `SPECIAL` networks, and a receiver there would never get a webhook. "
            "Judge by the networks, and not by a list of addresses"
            if wanted[address]
            else "it is in a `SPECIAL` network, or it is IPv6 and not in `GLOBAL_UNICAST`. Judge the IPv4 "
            "address that it contains, if there is one",
        )


def test_no_address(code: Code) -> None:
    for address in NO_ADDRESSES:
        sent = f"is_public({address!r})"
        if (said := must_return(sent, code.ask(SAFETY, "is_public", address))) is not False:
            fail(sent=sent, expected="False, because it is not an address", got=said)
