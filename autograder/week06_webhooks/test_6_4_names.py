"""6.4: what is registered is a name, and whoever owns it decides what it leads to, each time."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import WebhookSink, fail
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.network import NameServer
from autograder.week06_webhooks.conftest import PINNED, Place
from autograder.week06_webhooks.messages import data
from autograder.week06_webhooks.test_6_4_addresses import (
    PUBLIC_IPV4,
    RANDOM_PRIVATE,
    SAFETY,
    addresses,
    one_of,
    public,
)

pytestmark = pytest.mark.item("6.4")

UNSAFE = "UnsafeUrl"
MORE_NAMES = 16
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
        must_raise(f"checked({url!r})", answer, UNSAFE, "nothing of ours is to be reached by it")


def test_names_of_private_addresses(code: Code, names: NameServer, rng: Random) -> None:
    for address, what in rng.sample(addresses(rng), MORE_NAMES):
        host = name(rng)
        names.say(host, [address])
        sent = f"checked() of {host}, which leads to {address}: {what}"
        must_raise(sent, asked(code, host), UNSAFE, "every address of the name is to be checked")


def test_one_bad_address_among_good_ones(code: Code, names: NameServer, rng: Random) -> None:
    """A connection may go to any of them: who owns the name decides which one answers."""
    privates = " ".join(RANDOM_PRIVATE.values()).split()
    for place in (0, 1, 2, 3):
        host = name(rng)
        found = [one_of(rng, rng.choice(PUBLIC_IPV4)) for _ in range(3)]
        bad = one_of(rng, rng.choice(privates))
        found.insert(place, bad)
        names.say(host, found)
        sent = f"checked() of {host}, which leads to {', '.join(found)}"
        answer, cause = asked(code, host), f"{bad} is one too many: a connection may go to any"
        if answer.ok:  # who leaves out the bad ones never goes there either
            check_target(sent, answer.value, set(found) - {bad}, cause)
        else:
            must_raise(sent, answer, UNSAFE, cause)


def test_good_names(code: Code, names: NameServer, rng: Random) -> None:
    for count in (1, 3):
        host = name(rng)
        found = {public(rng) for _ in range(count)}
        names.say(host, sorted(found))
        sent = f"checked() of {host}, which leads to {', '.join(sorted(found))}"
        check_target(sent, must_return(sent, asked(code, host)), found)


def check_target(sent: str, target: Any, wanted: set[str], cause: str = "") -> None:
    """Where to connect: to addresses that were checked, some of them at least, and no name."""
    said = target.get("addresses") if isinstance(target, dict) else None
    if not isinstance(said, list) or not said or not set(map(str, said)) <= wanted:
        fail(
            sent=sent,
            expected=f"a Target with {', '.join(sorted(wanted))}",
            got=target,
            cause=cause or "`Target(wanted, addresses)`: what was checked is what is connected to",
        )


REPEAT_SECONDS = 2.0
"""Who hears nothing from a name server for so long asks once more, as DNS wants it: on a machine that
is too busy to answer sooner, that is no second look.
"""
TRIES = 3
REBINDING = (
    "the name was asked for twice, and the second answer is up to whoever owns it: ask once, check "
    "that answer, and keep it"
)


def test_a_name_that_changes(code: Code, names: NameServer, rng: Random) -> None:
    """It leads to a public address when it is checked, and to this network a moment later."""
    judged = 0
    for _ in range(2 * TRIES):
        if judged == TRIES:
            break
        host, good = name(rng), one_of(rng, rng.choice(PUBLIC_IPV4))
        bad = one_of(rng, rng.choice(["127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16"]))
        names.say(host, [good], [bad])
        sent = f"checked() of {host}, which leads to {good} the first time and then to {bad}"
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
            got = f"{names.count(host)} questions"
            fail(sent=sent, expected="one question", got=got, cause=REBINDING)
        must_raise(
            f"checked() of {host} once more: it leads to {bad} now",
            asked(code, host),
            UNSAFE,
            "what was right at registration is checked again at each delivery",
        )
    if not judged:
        fail(
            sent="checked() of a name", expected="an answer at once", got="more than 2 s, each time"
        )


def test_a_name_without_an_address(code: Code, names: NameServer, rng: Random) -> None:
    """`all` of nothing is true: no address is no good address."""
    for what in ("nobody knows", "has no address"):
        host = name(rng)
        if what == "has no address":
            names.say(host, [])
        answer = asked(code, host)
        if answer.ok:
            sent = f"checked() of {host}, a name that {what}"
            fail(sent=sent, expected="an error: HostUnknown", got=answer.value)


def test_it_connects_to_what_was_checked(
    code: Code, place: Place, names: NameServer, webhooks: WebhookSink
) -> None:
    """A real POST to a name that leads to this machine (allowed for once), and then to nobody."""
    path = webhooks.url("pinned").removeprefix(webhooks.base_url)
    url = f"http://{PINNED}:{place.sink_port}{path}"
    sent = f"post() to {PINNED}, which leads to one address the first time and then to another"
    for left in reversed(range(TRIES)):
        names.say(PINNED, ["127.0.0.1"], ["127.0.0.66"])
        began = time.monotonic()
        answer = code.ask("pipeline.webhooks.sending", "post", url, {}, data(b"{}"))
        arrived = webhooks.deliveries("pinned")
        if arrived or time.monotonic() - began < REPEAT_SECONDS or not left:
            break
    attempt = must_return(sent, answer)
    if len(arrived) != 1:
        got = f"{len(arrived)} requests; {attempt}"
        fail(sent=sent, expected="one request, to the first address", got=got, cause=REBINDING)
    if arrived[0].header("host") != f"{PINNED}:{place.sink_port}":
        fail(sent=sent, expected=f"Host: {PINNED}", got=arrived[0].header("host"))
