"""6.4: a name is resolved once, all its addresses are checked, and only they are used."""

from __future__ import annotations

import itertools
import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, WebhookSink, fail, made, packed
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.network import NameServer
from autograder.week06_webhooks.conftest import PINNED, Configured
from autograder.week06_webhooks.test_6_4_addresses import (
    PUBLIC_IPV4,
    PUBLIC_IPV6,
    RANDOM_PRIVATE,
    SAFETY,
    addresses,
    one_of,
)

pytestmark = pytest.mark.item("6.4")

UNSAFE = "UnsafeUrl"
ODD = """
https://127.0.0.1/ https://10.0.0.1/ https://169.254.169.254/latest/meta-data/ https://[::1]/
https://[::ffff:127.0.0.1]/ https://[64:ff9b::a9fe:a9fe]/ https://[fd00:ec2::254]/
https://2130706433/ https://0x7f000001/ https://0x7f.1/ https://127.1/ https://0177.0.0.1/
https://127.0.0.1./ https://①②⑦.⓪.⓪.①/ https://localhost/ https://redis/ https://user@8.8.8.8/
https://metadata.google.internal/ https://8.8.8.8:6379/ http://8.8.8.8/ ftp://8.8.8.8/
file:///etc/passwd https://8.8.8.8\\@127.0.0.1/ https://example.com@127.0.0.1/
""".split()  # noqa: SIM905


def name(rng: Random) -> str:
    return f"hook-{rng.getrandbits(40):x}.test"


def asked(code: Code, host: str) -> Any:
    return code.ask(SAFETY, "checked", f"https://{host}/hooks")


def test_odd_addresses(code: Code) -> None:
    for url in ODD:
        answer = code.ask(SAFETY, "checked", url)
        must_raise(
            f"checked({url!r})",
            answer,
            UNSAFE,
            "this URL could reach a private address or a private service",
        )


def test_names_of_private_addresses(code: Code, names: NameServer, rng: Random) -> None:
    """f, g: names that resolve to one address of each kind, IPv4 and IPv6."""
    every = addresses(rng)
    kinds = {(what, ":" in one): one for one, what in rng.sample(every, len(every))}
    for (what, _), address in kinds.items():
        host = name(rng)
        names.say(host, [address])
        sent = f"checked() of {host}, which resolves to {address}: {what}"
        cause = "every address of the name must be checked with `is_public`"
        check_unsafe(sent, asked(code, host), [address], cause)


def test_an_address_as_host(code: Code, rng: Random) -> None:
    """g: the message names no address, even one that stands in the URL."""
    for network in " ".join(RANDOM_PRIVATE.values()).split():
        address = one_of(rng, network)
        host = f"[{address}]" if ":" in address else address
        cause = (
            "an address that stands in the URL needs no name server, and is checked like all others"
        )
        check_unsafe(f"checked('https://{host}/hooks')", asked(code, host), [address], cause)


def check_unsafe(sent: str, answer: Answer, found: list[str], cause: str) -> None:
    """The URL is refused, and the message contains none of the addresses."""
    must_raise(sent, answer, UNSAFE, cause)
    if named := [one for one in found if one in answer.message]:
        fail(
            sent=sent,
            expected=f"{UNSAFE} with a message that contains none of the addresses",
            got=f"{named[0]} in {answer.message!r}",
            cause="a client who registers a name would learn which addresses it has inside our network",
        )


def test_one_bad_address_among_good_ones(code: Code, names: NameServer, rng: Random) -> None:
    """f, g: a connection may go to any of the addresses, so one bad address refuses the URL."""
    networks = [
        [one for one in " ".join(RANDOM_PRIVATE.values()).split() if (":" in one) is version_6]
        for version_6 in (False, True)
    ]
    for version_6, place in itertools.product((False, True), range(4)):
        host = name(rng)
        good = PUBLIC_IPV6 if version_6 else PUBLIC_IPV4
        found = [one_of(rng, rng.choice(good)) for _ in range(3)]
        bad = one_of(rng, rng.choice(networks[version_6]))
        found.insert(place, bad)
        other = one_of(rng, rng.choice(PUBLIC_IPV4 if version_6 else PUBLIC_IPV6))
        found.insert(rng.choice((0, 4)), other)
        names.say(host, found)
        sent = f"checked() of {host}, which resolves to {', '.join(found)}"
        cause = f"{bad} is not public, so the whole URL must be refused"
        check_unsafe(sent, asked(code, host), found, cause)


def test_good_names(code: Code, names: NameServer, rng: Random) -> None:
    """i: all addresses are returned. dnspython shuffles them, so their order is tested below."""
    for count in (1, 6):
        host = name(rng)
        ipv4 = [one_of(rng, network) for network in rng.sample(PUBLIC_IPV4, count)]
        ipv6 = [one_of(rng, network) for network in rng.sample(PUBLIC_IPV6, min(count, 3))]
        names.say(host, [*ipv4, *ipv6])
        wanted = [*ipv4, *ipv6]
        sent = f"checked() of {host}, which resolves to {', '.join(wanted)}"
        target = must_return(sent, asked(code, host))
        check_target(sent, target, set(wanted))
        if sorted(target["addresses"]) != sorted(wanted):
            expected = f"a Target with all addresses: {', '.join(wanted)}"
            fail(sent=sent, expected=expected, got=target["addresses"], cause=NEXT)
        url = target.get("url")
        if not isinstance(url, dict) or url.get("host") != host or url.get("target") != "/hooks":
            fail(sent=sent, expected=f"a Target with the url of {host}", got=target)


NEXT = (
    "if the first address does not respond, the next one is tried: return the tuple of what `resolve` "
    "returned"
)


def test_the_order_of_the_answer(code: Code, rng: Random) -> None:
    """i: the addresses are returned in the order in which `resolve` returned them."""
    host = name(rng)
    ipv6 = [one_of(rng, network) for network in PUBLIC_IPV6]
    wanted = ["93.184.216.34", *ipv6[:2], "8.8.8.8", "100.128.0.1", *ipv6[2:], "9.9.9.9"]
    said = made("builtins", "getattr", made("builtins", "dict", {host: wanted}), "__getitem__")
    student = code.student
    try:
        for module in ("pipeline.webhooks.resolver", SAFETY):
            where = made("importlib", "import_module", module)
            student.call("builtins", "setattr", where, "resolve", said)
        answer = asked(code, host)
    finally:
        student.renew()
    sent = f"checked() of {host}, for which `resolve` returns {', '.join(wanted)}"
    target = must_return(sent, answer)
    check_target(sent, target, set(wanted))
    if target["addresses"] != wanted:
        expected = "a Target with these addresses, in this order"
        fail(sent=sent, expected=expected, got=target["addresses"], cause=NEXT)


def check_target(sent: str, target: Any, wanted: set[str], cause: str = "") -> None:
    """The target contains at least one checked address, and nothing else."""
    said = target.get("addresses") if isinstance(target, dict) else None
    if not isinstance(said, list) or not said or not set(map(str, said)) <= wanted:
        fail(
            sent=sent,
            expected=f"a Target with {', '.join(sorted(wanted))}",
            got=target,
            cause=cause
            or "return `Target(wanted, addresses)` with the addresses that were checked",
        )


REPEAT_SECONDS = 2.0
"""After this time without an answer, a DNS client repeats its question. On a very busy machine, such a
repetition is not a second lookup by the student's code.
"""
TRIES = 3
REBINDING = (
    "the name was resolved twice, and its owner decides what the second answer is: call `resolve` "
    "once, check this answer, and return it"
)


def test_a_name_that_changes(code: Code, names: NameServer, rng: Random) -> None:
    """e: it resolves to a public address for the check, and to a private one a moment later."""
    judged = 0
    for _ in range(2 * TRIES):
        if judged == TRIES:
            break
        host, good = name(rng), one_of(rng, rng.choice(PUBLIC_IPV4))
        bad = one_of(rng, rng.choice(["127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16"]))
        names.say(host, [good], [bad])
        sent = f"checked() of {host}, which resolves to {good} the first time and then to {bad}"
        began = time.monotonic()
        answer = asked(code, host)
        if time.monotonic() - began > REPEAT_SECONDS:
            continue
        judged += 1
        if not answer.ok and answer.error == UNSAFE:
            expected = f"a Target with {good}"
            fail(sent=sent, expected=expected, got=UNSAFE, cause=REBINDING)
        check_target(sent, must_return(sent, answer), {good}, REBINDING)
        if names.count(host) > 1:
            got = f"{names.count(host)} lookups"
            fail(sent=sent, expected="one lookup", got=got, cause=REBINDING)
        must_raise(
            f"checked() of {host} once more: it resolves to {bad} now",
            asked(code, host),
            UNSAFE,
            "the name must be resolved and checked again in every call",
        )
    if not judged:
        fail(
            sent="checked() of a name", expected="a result at once", got="more than 2 s, each time"
        )


def test_a_name_without_an_address(code: Code, names: NameServer, rng: Random) -> None:
    """h: it is not unsafe. Note that `all` of an empty list is true."""
    for what, error in (
        ("does not exist", "HostUnknown"),
        ("has no address", "HostUnknown"),
        ("the name server cannot look up now", "NameUnresolved"),
    ):
        host = name(rng)
        if what == "has no address":
            names.say(host, [])
        if error == "NameUnresolved":
            names.fail(host)
        must_raise(
            f"checked() of {host}, a name that {what}",
            asked(code, host),
            error,
            f"`resolve` raises {error}: let it pass. The name may have a public address later",
        )


def test_it_connects_to_what_was_checked(
    code: Code, configured: Configured, names: NameServer, webhooks: WebhookSink
) -> None:
    """A real POST to a name that resolves to this machine (allowed here), and later to another address."""
    path = webhooks.url("pinned").removeprefix(webhooks.base_url)
    url = f"http://{PINNED}:{configured.sink_port}{path}"
    sent = f"post() to {PINNED}, which resolves to one address the first time and then to another"
    for left in reversed(range(TRIES)):
        names.say(PINNED, ["127.0.0.1"], ["127.0.0.66"])
        began = time.monotonic()
        answer = code.ask("pipeline.webhooks.sending", "post", url, {}, packed(b"{}"))
        arrived = webhooks.deliveries("pinned")
        if arrived or time.monotonic() - began < REPEAT_SECONDS or not left:
            break
    attempt = must_return(sent, answer)
    if len(arrived) != 1:
        got = f"{len(arrived)} requests; {attempt}"
        fail(sent=sent, expected="one request, to the first address", got=got, cause=REBINDING)
    if arrived[0].header("host") != f"{PINNED}:{configured.sink_port}":
        fail(sent=sent, expected=f"Host: {PINNED}", got=arrived[0].header("host"))
