"""6.2: the receiver believes what was signed, and refuses all else without a crash."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, CheckFailed, fail, failure_card
from autograder.sdk.answers import Code
from autograder.week06_webhooks import messages

pytestmark = pytest.mark.item("6.2")

REFUSED = "BadSignature"
TOLERANCE = 300
CAUSE = "the signature is over `id.timestamp.body`, as it came, and `moment` is now"


class Receiver:
    """Somebody who has a secret, and a webhook that was signed with it."""

    def __init__(self, code: Code, rng: Random) -> None:
        self.code = code
        self.key = messages.secret(rng)
        self.id = messages.message_id(rng)
        self.body = messages.body(rng)
        self.now = rng.randint(1_500_000_000, 1_900_000_000)

    def headers(self, at: int | str | None = None, key: str | None = None) -> dict[str, str]:
        return messages.headers(key or self.key, self.id, at or self.now, self.body)

    def accepts(self, what: str, headers: dict[str, str], cause: str = "", **more: Any) -> None:
        answer = self._ask(headers, **more)
        if not answer.ok:
            if answer.error != REFUSED:
                raise CheckFailed(failure_card(f"verify() of {what}", answer))
            expected = "it returns: the webhook is good"
            fail(sent=f"verify() of {what}", expected=expected, got=REFUSED, cause=cause)

    def refuses(self, what: str, headers: dict[str, str], cause: str = "", **more: Any) -> None:
        answer = self._ask(headers, **more)
        if answer.ok:
            got = "it returns, as if the webhook were good"
            fail(sent=f"verify() of {what}", expected=REFUSED, got=got, cause=cause)
        if REFUSED not in (answer.error, *answer.bases):
            if answer.error == "NotImplementedError":
                raise CheckFailed(failure_card(f"verify() of {what}", answer))
            fail(
                sent=f"verify() of {what}",
                expected=REFUSED,
                got=f"{answer.error}: {answer.message} ({answer.where})",
                cause="a stranger decides what the headers say: nothing in them may be a crash",
            )

    def _ask(self, headers: dict[str, str], **more: Any) -> Answer:
        content = messages.data(more.pop("body", self.body))
        key = more.pop("key", self.key)
        more = {"now": self.now, **more}
        return self.code.ask(messages.SIGNING, "verify", key, headers, content, **more)


@pytest.fixture
def receiver(code: Code, rng: Random) -> Receiver:
    return Receiver(code, rng)


def test_what_is_signed_is_accepted(receiver: Receiver, rng: Random) -> None:
    for _ in range(4):
        one = Receiver(receiver.code, rng)
        one.accepts("a good webhook", one.headers(), CAUSE)
        odd = {name.title(): value for name, value in one.headers().items()}
        one.accepts("a good webhook whose headers are spelled Webhook-Id, …", odd)
    now = int(time.time())
    receiver.accepts(
        "a webhook of this moment, by the receiver's own clock", receiver.headers(now), now=None
    )


def test_what_was_changed_is_refused(receiver: Receiver, rng: Random) -> None:
    good = receiver.headers()
    for what, body in (
        ("a changed body", receiver.body.replace(b'"n"', b'"m"')),
        ("a body with a space more", receiver.body + b" "),
        ("an empty body", b""),
        ("a body that says the same in another spelling", rewritten(receiver.body)),
    ):
        receiver.refuses(what, good, "the bytes are signed, not what they mean", body=body)
    receiver.refuses("a webhook signed with another secret", good, key=messages.secret(rng))
    cause = "id and timestamp are signed too"
    receiver.refuses("a changed id", good | {"webhook-id": messages.message_id(rng)}, cause)
    later = str(receiver.now + 1)
    receiver.refuses("a changed timestamp", good | {"webhook-timestamp": later}, cause)


def rewritten(body: bytes) -> bytes:
    """The same JSON, other bytes."""
    return json.dumps(json.loads(body)).encode()


def test_time(receiver: Receiver, rng: Random) -> None:
    """An old webhook, rightly signed, is one that somebody has kept and sends again."""
    past, future = "who has one can send it again for ever", "the time is checked on both sides"
    for _ in range(2):
        for seconds in (rng.randint(1, TOLERANCE - 5), 0):
            receiver.accepts(f"a webhook {seconds} s old", receiver.headers(receiver.now - seconds))
            receiver.accepts(
                f"a webhook {seconds} s in the future", receiver.headers(receiver.now + seconds)
            )
        for seconds in (rng.randint(TOLERANCE + 5, 900), rng.randint(10_000, 10**8)):
            old, new = receiver.now - seconds, receiver.now + seconds
            receiver.refuses(f"a webhook {seconds} s old", receiver.headers(old), past)
            receiver.refuses(f"a webhook {seconds} s in the future", receiver.headers(new), future)
    receiver.refuses(
        "a webhook whose timestamp is in milliseconds, rightly signed",
        receiver.headers(receiver.now * 1000),
        "the timestamp is in seconds",
    )
    receiver.refuses(
        "a webhook 50 s old, where 20 s are allowed (tolerance=20)",
        receiver.headers(receiver.now - 50),
        "`tolerance` says how old it may be",
        tolerance=20,
    )


def test_several_signatures(receiver: Receiver, rng: Random) -> None:
    """During a rotation there are two, and one that is right is enough."""
    right = receiver.headers()["webhook-signature"]
    other = receiver.headers(key=messages.secret(rng))["webhook-signature"]
    digest = right.removeprefix("v1,")
    for several in (f"{right} {other}", f"{other} {right}", f"v2,abc {other} {right}"):
        receiver.accepts(
            f"a webhook with {len(several.split())} signatures, one of which is right",
            receiver.headers() | {"webhook-signature": several},
            "any of them may be the one that this receiver's secret made",
        )
    for what, text in (
        ("two signatures, both of other secrets", f"{other} {other}"),
        ("a signature of another version", f"v2,{digest}"),
        ("a signature without a version", digest),
        ("a signature with a letter more", f"v1,x{digest}"),
        ("a signature with letters in front", f"{other}{right}"),
        ("the first half of a signature", right[: len(right) // 2]),
    ):
        receiver.refuses(
            f"a webhook with {what}",
            receiver.headers() | {"webhook-signature": text},
            "what stands between spaces is compared as a whole",
        )


def test_nonsense(receiver: Receiver) -> None:
    """Whatever a stranger writes into the headers."""
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        left = {key: value for key, value in receiver.headers().items() if key != name}
        receiver.refuses(f"a webhook without {name}", left)
        for value in nonsense():
            shown = value if len(value) < 20 else f"{value[:8]}… ({len(value)} characters)"
            receiver.refuses(f"a webhook with {name}: {shown!r}", {**left, name: value})
    receiver.refuses("a request with no header at all", {})
    without = receiver.headers() | {"webhook-id": ""}
    signed = messages.signature(receiver.key, "", receiver.now, receiver.body)
    receiver.refuses(
        "a webhook whose id is empty, rightly signed",
        without | {"webhook-signature": signed},
        "an empty id is as good as none: all that have one look like one and the same message",
    )


def nonsense() -> Iterator[str]:
    yield from ("", " ", "x", ",", "v1", "v1,", "v1,é", "v1,ü v1,ß", "\x00", "NaN", "-1", "1e9")
    yield from ("１２３", "٣", "1700000000.0", "9" * 400, "v1,a " * 2_000, "=" * 50_000, "v1,=====")
