"""6.2: the receiver accepts what was signed, and refuses everything else with `BadSignature`.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned values and errors.
- place: secrets, ids, bodies and times are random, and each webhook is genuine or changed in one part
  alone.
- store: nothing is stored.
- probe: `compare_digest` is replaced, and says the opposite of what is true. A submission that compares
  by `==` and hands it the outcome is not noticed. This stays, because such a call is like a right one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, CheckFailed, fail, failure_card, packed
from autograder.sdk.answers import Code, must_raise
from autograder.sdk.comparing import every_comparison
from autograder.week06_webhooks import messages
from autograder.week06_webhooks.test_6_1_signature import malformed, odd_bodies

pytestmark = pytest.mark.item("6.2")

REFUSED = "BadSignature"
TOLERANCE = 300
MOST = 20
"""This is `MAX_SIGNATURES`."""
CAUSE = "calculate the signature of the id, the timestamp and the unchanged body; `moment` is now"


class Receiver:
    """A receiver with a secret, and a webhook that was signed with it."""

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
            expected = "it returns, because the webhook is genuine"
            fail(sent=f"verify() of {what}", expected=expected, got=REFUSED, cause=cause)

    def refuses(self, what: str, headers: dict[str, str], cause: str = "", **more: Any) -> None:
        answer = self._ask(headers, **more)
        if answer.ok:
            got = "it returns, which means that the webhook is genuine"
            fail(sent=f"verify() of {what}", expected=REFUSED, got=got, cause=cause)
        if REFUSED not in (answer.error, *answer.bases):
            if answer.error == "NotImplementedError":
                raise CheckFailed(failure_card(f"verify() of {what}", answer))
            fail(
                sent=f"verify() of {what}",
                expected=REFUSED,
                got=f"{answer.error}: {answer.message} ({answer.where})",
                cause="an attacker can choose the headers, so nothing in them may raise another exception",
            )

    def _ask(self, headers: dict[str, str], **more: Any) -> Answer:
        content = packed(more.pop("body", self.body))
        key = more.pop("key", self.key)
        more = {"now": self.now, **more}
        return self.code.ask(messages.SIGNING, "verify", key, headers, content, **more)


@pytest.fixture
def receiver(code: Code, rng: Random) -> Receiver:
    return Receiver(code, rng)


def test_what_is_signed_is_accepted(receiver: Receiver, rng: Random) -> None:
    """a, c: genuine webhooks, with header names in any case and with any bytes as a body."""
    for _ in range(4):
        one = Receiver(receiver.code, rng)
        one.accepts("a genuine webhook", one.headers(), CAUSE)
        odd = {name.title(): value for name, value in one.headers().items()}
        one.accepts("a genuine webhook whose headers are written Webhook-Id, …", odd)
    for content in odd_bodies(rng):
        receiver.accepts(
            f"a genuine webhook with the body {content!r}",
            messages.headers(receiver.key, receiver.id, receiver.now, content),
            "the body may be any bytes: pass it to `sign` unchanged",
            body=content,
        )
    now = int(time.time())
    receiver.accepts(
        "a webhook of now, by the receiver's own clock (now=None)", receiver.headers(now), now=None
    )


def test_what_was_changed_is_refused(receiver: Receiver, rng: Random) -> None:
    """c, f: a changed body, id or timestamp, and a body that is not UTF-8."""
    good = receiver.headers()
    for what, body in (
        ("a changed body", receiver.body.replace(b'"n"', b'"m"')),
        ("a body with one more space", receiver.body + b" "),
        ("an empty body", b""),
        ("a body that is not UTF-8", b"\xff\xfe\x00"),
        ("a body with the same JSON, written in another way", rewritten(receiver.body)),
    ):
        receiver.refuses(
            what, good, "the bytes of the body are signed, not their meaning", body=body
        )
    receiver.refuses("a webhook signed with another secret", good, key=messages.secret(rng))
    cause = "the id and the timestamp are signed too"
    receiver.refuses("a changed id", good | {"webhook-id": messages.message_id(rng)}, cause)
    later = str(receiver.now + 1)
    receiver.refuses("a changed timestamp", good | {"webhook-timestamp": later}, cause)


def rewritten(body: bytes) -> bytes:
    """Return the same JSON in other bytes."""
    return json.dumps(json.loads(body)).encode()


def test_time(receiver: Receiver, rng: Random) -> None:
    """b: a correctly signed but old webhook may be a replay by an attacker who recorded it."""
    past = "check the age: without that, a recorded webhook can be replayed without end"
    future = "check both sides: a timestamp in the future must be refused too"
    for _ in range(2):
        for seconds in (rng.randint(1, TOLERANCE - 5), 0, TOLERANCE):
            old, new = receiver.now - seconds, receiver.now + seconds
            cause = "a webhook is refused if the difference is more than `tolerance`"
            receiver.accepts(f"a webhook {seconds} s old", receiver.headers(old), cause)
            receiver.accepts(f"a webhook {seconds} s in the future", receiver.headers(new), cause)
        for seconds in (rng.randint(TOLERANCE + 5, 900), rng.randint(10_000, 10**8)):
            old, new = receiver.now - seconds, receiver.now + seconds
            receiver.refuses(f"a webhook {seconds} s old", receiver.headers(old), past)
            receiver.refuses(f"a webhook {seconds} s in the future", receiver.headers(new), future)
    receiver.refuses(
        "a webhook whose timestamp is in milliseconds, correctly signed",
        receiver.headers(receiver.now * 1000),
        "the timestamp is in seconds",
    )
    for seconds in (TOLERANCE, -TOLERANCE - 1):
        receiver.refuses(
            f"a webhook {abs(seconds + 0.5)} s {'old' if seconds > 0 else 'in the future'}",
            receiver.headers(receiver.now - seconds),
            "compare with `moment` as it is, and not with whole seconds",
            now=receiver.now + 0.5,
        )
    receiver.accepts(
        "a webhook 400 s old, with tolerance=500",
        receiver.headers(receiver.now - 400),
        "`tolerance` is the largest allowed difference in seconds",
        tolerance=500,
    )
    receiver.refuses(
        "a webhook 50 s old, with tolerance=20",
        receiver.headers(receiver.now - 50),
        "`tolerance` is the largest allowed difference in seconds",
        tolerance=20,
    )


def test_several_signatures(receiver: Receiver, rng: Random) -> None:
    """d, e: during a rotation there are two signatures, and one correct signature is enough."""
    right = receiver.headers()["webhook-signature"]
    other = receiver.headers(key=messages.secret(rng))["webhook-signature"]
    digest = right.removeprefix("v1,")
    for several in (f"{right} {other}", f"{other} {right}", f"v2,abc {other} {right}"):
        receiver.accepts(
            f"a webhook with {len(several.split())} signatures, one of which is correct",
            receiver.headers() | {"webhook-signature": several},
            "any of them may be made with this receiver's secret, so compare each",
        )
    for what, text in (
        ("two signatures, both made with other secrets", f"{other} {other}"),
        ("a signature of another version", f"v2,{digest}"),
        ("a signature without a version", digest),
        ("a signature with one more character", f"v1,x{digest}"),
        ("a signature with other characters before it", f"{other}{right}"),
        ("the first half of a signature", right[: len(right) // 2]),
        ("a signature in lower case", right.lower()),
        ("a signature in upper case", f"v1,{digest.upper()}"),
        ("a signature whose letters have the other case", f"v1,{digest.swapcase()}"),
    ):
        receiver.refuses(
            f"a webhook with {what}",
            receiver.headers() | {"webhook-signature": text},
            "compare each signature as it is: base64 has upper and lower case"
            if "case" in what
            else "split the header at its spaces and compare each part as a whole",
        )


def test_at_most_twenty_signatures(receiver: Receiver, rng: Random) -> None:
    """d: the first `MAX_SIGNATURES` are compared, of whatever version they are, and no others."""
    right = receiver.headers()["webhook-signature"]
    other = receiver.headers(key=messages.secret(rng))["webhook-signature"]
    many = {**receiver.headers(), "webhook-signature": " ".join([right, *[other] * MOST])}
    sent = f"a webhook with its correct signature, and then {MOST} others"
    cause = f"a long header is no error: the first {MOST} count (`MAX_SIGNATURES`)"
    receiver.accepts(sent, many, cause)
    spaces = " " * rng.randint(2, 4)
    for one, gap in ((other, " "), ("v2,abc", " "), ("x", " "), (other, spaces)):
        for before in (MOST - 1, MOST):
            several = gap.join([*[one] * before, right])
            sent = f"a webhook with {before} times {one[:6]!r} before its correct signature"
            sent += f", with {len(gap)} spaces between two" if len(gap) > 1 else ""
            headers = receiver.headers() | {"webhook-signature": several}
            if before < MOST:
                cause = f"the first {MOST} count (`MAX_SIGNATURES`)"
                if len(gap) > 1:
                    cause += ". The empty text between two spaces is no signature: use `split()`, "
                    cause += 'because `split(" ")` returns it'
                receiver.accepts(sent, headers, cause)
            else:
                cause = f"a header may be long: compare the first {MOST} only (`MAX_SIGNATURES`)"
                receiver.refuses(sent, headers, cause)


def test_the_comparison_takes_constant_time(receiver: Receiver, rng: Random) -> None:
    """e: `compare_digest` decides: what it calls equal is accepted, and nothing else is."""
    student = receiver.code.student
    slow = "decide by what `hmac.compare_digest` returns. The time that `==` or `in` takes tells an attacker "
    slow += "how many characters are right"
    with every_comparison(student, False, messages.SIGNING):
        what = "a genuine webhook, while `hmac.compare_digest` finds every two values different"
        receiver.refuses(what, receiver.headers(), slow)
    other = receiver.headers(key=messages.secret(rng))
    with every_comparison(student, True, messages.SIGNING):
        what = "a webhook that was signed with another secret, while `hmac.compare_digest` finds all equal"
        receiver.accepts(what, other, slow)


def test_the_own_secret_is_malformed(receiver: Receiver, rng: Random) -> None:
    """g: that is a mistake in the receiver's settings, and not a forged webhook."""
    for what, key in malformed(rng).items():
        content = packed(receiver.body)
        answer = receiver.code.ask(
            messages.SIGNING, "verify", key, receiver.headers(), content, now=receiver.now
        )
        must_raise(
            f"verify() of a webhook, with an own secret {what}",
            answer,
            "ValueError",
            "let the `ValueError` of `sign` pass: with `BadSignature`, the owner looks for a forger",
        )


def test_nonsense(receiver: Receiver) -> None:
    """a, b, f: missing, empty and odd headers raise `BadSignature`, and nothing else."""
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        left = {key: value for key, value in receiver.headers().items() if key != name}
        receiver.refuses(f"a webhook without {name}", left)
        for value in nonsense():
            shown = value if len(value) < 20 else f"{value[:8]}… ({len(value)} characters)"
            receiver.refuses(f"a webhook with {name}: {shown!r}", {**left, name: value})
    receiver.refuses("a request without any header", {})
    without = receiver.headers() | {"webhook-id": ""}
    signed = messages.signature(receiver.key, "", receiver.now, receiver.body)
    receiver.refuses(
        "a webhook whose id is empty, correctly signed",
        without | {"webhook-signature": signed},
        "refuse an empty id: by it, the receiver could not tell one webhook from another",
    )


def nonsense() -> Iterator[str]:
    yield from ("", " ", "x", ",", "v1", "v1,", "v1,é", "v1,ü v1,ß", "\x00", "NaN", "-1", "1e9")
    yield from ("１２３", "٣", "1700000000.0", "9" * 400, "v1,a " * 2_000, "=" * 50_000, "v1,=====")
