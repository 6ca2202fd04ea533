"""6.0, the first green: one real request reaches a receiver, and its response becomes an attempt.

What a submission could fake:
- counts: the text must arrive exactly once.
- witness: the receiver, to which a submission can send by itself. To send the right text is what it is
  asked for.
- place: the text and the status are random.
- store: only the receiver and the returned attempt count.
- probe: none.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Fault, WebhookSink, fail
from autograder.sdk.answers import Code, must_return
from autograder.week06_webhooks import messages

pytestmark = pytest.mark.item("6.0")

PING = "pipeline.webhooks.ping"
RECEIVER = "ping"
STATUSES = (202, 204, 404, 500)


@pytest.mark.parametrize("status", STATUSES)
def test_a_test_message_arrives(
    code: Code, webhooks: WebhookSink, rng: Random, status: int
) -> None:
    """a, b: the receiver gets the text once, and its status is in the attempt."""
    name, text = f"{RECEIVER}-{status}", f"{rng.choice(messages.WORDS)} {rng.getrandbits(32):08x}"
    webhooks.script(Fault.status(status, on=name))
    sent = f"ping(the URL of a receiver that answers {status}, {text!r})"
    attempt = must_return(sent, code.ask(PING, "ping", webhooks.url(name), text))
    arrived = webhooks.deliveries(name)
    if [one.body for one in arrived] != [text.encode()]:
        fail(
            sent=sent,
            expected=f"one request with the body {text.encode()!r}",
            got=[one.body[:200] for one in arrived],
            cause="call `post(url, {}, …)` once, with the text encoded in UTF-8 (`text.encode()`)",
        )
    if not isinstance(attempt, dict) or attempt.get("status") != status:
        fail(
            sent=sent,
            expected=f"an Attempt with the status {status}",
            got=attempt,
            cause="return the attempt that `post` returns",
        )
