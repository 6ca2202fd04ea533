"""9.1: a feed may have any public address. Nothing is sent there: `open_url` is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, made
from autograder.sdk.answers import must_raise
from autograder.week09_news.feed_calls import FEEDS, UNAVAILABLE, feed

pytestmark = pytest.mark.item("9.1")

GUARD = "pipeline.news.guarded_fetch"
PUBLIC = (int(IPv4Address("11.0.0.1")), int(IPv4Address("99.0.0.0")))
"""All addresses between these two are public."""


@contextmanager
def opened(student: Student, *outcomes: dict[str, Any]) -> Iterator[None]:
    """Let the calls of `open_url` come to these outcomes, one after another, inside the block."""
    guard = made("importlib", "import_module", GUARD)
    replaced = made("unittest.mock", "Mock", side_effect=list(outcomes))
    student.call("builtins", "setattr", guard, "replaced", replaced)  # one object for both modules
    kept = made("builtins", "getattr", guard, "replaced")
    for module in (GUARD, FEEDS):
        where = made("importlib", "import_module", module)
        student.call("builtins", "setattr", where, "open_url", kept)
    try:
        yield
    finally:
        student.renew()


def test_public_addresses(student: Student, rng: Random) -> None:
    """a, c: `open_url` decides about each address, the first one and that of a redirect."""
    name = f"https://n{rng.getrandbits(40):x}.org/{rng.getrandbits(24):x}.xml"
    number = f"http://{IPv4Address(rng.randrange(*PUBLIC))}/"
    silent = made("pipeline.news.errors", UNAVAILABLE)
    nothing = made("builtins", "iter", [])
    cause = "send every request with `open_url`, which knows all addresses that are public"
    for url, other in ((name, number), (number, name)):
        with opened(student, silent):
            answer = student.ask(FEEDS, "fetch", feed(url))
        must_raise(
            f"fetch() of {url}, where `open_url` raises {UNAVAILABLE}", answer, UNAVAILABLE, cause
        )
        moved = made(
            "contextlib", "nullcontext", made(GUARD, "Answer", 302, {"location": other}, nothing)
        )
        with opened(student, moved, silent):
            answer = student.ask(FEEDS, "fetch", feed(url))
        sent = f"fetch() of {url}, a redirect to {other}, where `open_url` raises {UNAVAILABLE}"
        must_raise(sent, answer, UNAVAILABLE, cause)
