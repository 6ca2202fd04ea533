"""6.5: during a rotation two secrets sign, after it one, and no secret is shown twice."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made, show
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.jobs_table import moment
from autograder.week06_webhooks import messages
from autograder.week06_webhooks.client import Hook, WebhookClient, time_of
from autograder.week06_webhooks.conftest import Configured
from autograder.week06_webhooks.rows import PUBLIC, delivery, endpoint_id, id_of

pytestmark = pytest.mark.item("6.5")

ENDPOINTS = "pipeline.webhooks.endpoints"


def endpoint(rng: Random, **more: Any) -> dict[str, Any]:
    """Return the values of an endpoint."""
    values = {
        "id": endpoint_id(rng),
        "url": "https://example.com/",
        "events": ["job.completed"],
        "created_at": time.time() - 1_000,
        "secret": messages.secret(rng),
    }
    return values | more


def test_who_signs(code: Code, rng: Random) -> None:
    """The new secret always signs, and the old one until `old_secret_until`."""
    old, new = messages.secret(rng), messages.secret(rng)
    for what, until, wanted, cause in (
        (
            "in an hour",
            3_600,
            [new, old],
            "a receiver that does not have the new secret yet knows only the old one",
        ),
        ("in a minute", 60, [new, old], "`old_secret_until` has not passed yet"),
        (
            "a minute ago",
            -60,
            [new],
            "its time is over: it may have been replaced because it leaked",
        ),
        ("a year ago", -31_536_000, [new], "its time is over: `old_secret_until` has passed"),
    ):
        values = endpoint(rng, secret=new, old_secret=old, old_secret_until=time.time() + until)
        sent = f"signing_secrets() of an endpoint whose old secret ends {what}"
        said = must_return(
            sent, code.ask(ENDPOINTS, "signing_secrets", made(ENDPOINTS, "Endpoint", **values))
        )
        if not isinstance(said, list) or sorted(map(str, said)) != sorted(wanted):
            words = {new: "the new one", old: "the old one"}
            got = (
                [words.get(str(one), "another") for one in said] if isinstance(said, list) else said
            )
            expected = " and ".join(words[one] for one in wanted)
            fail(sent=sent, expected=expected, got=got, cause=cause)
    values = endpoint(rng)
    sent = "signing_secrets() of an endpoint that was never rotated"
    argument = made(ENDPOINTS, "Endpoint", **values)
    said = must_return(sent, code.ask(ENDPOINTS, "signing_secrets", argument))
    if said != [values["secret"]]:
        fail(sent=sent, expected="a list with its only secret", got=said)


def test_a_rotation(configured: Configured, client: WebhookClient, rng: Random) -> None:
    """A receiver gets two signatures during a rotation, and one after it."""
    hook = client.register("rotated")
    began = time.time()
    sent = "POST /webhooks/{id}/rotate"
    view = client.must(sent, 200, "POST", f"/webhooks/{hook.id}/rotate")
    view = view if isinstance(view, dict) else {}
    new = Hook(hook.id, str(view.get("secret")), hook.name)
    if not new.secret.startswith("whsec_") or new.secret == hook.secret:
        fail(
            sent=sent,
            expected="a new secret",
            got=show(new.secret),
            cause="set `secret` to `new_secret()`",
        )
    seconds = configured.seconds("WEBHOOK_ROTATION_SECONDS")
    until = time_of(sent, view.get("old_secret_until"))
    left = until.timestamp() - began if until else None
    if left is None or not seconds - 1 <= left <= seconds + 60:
        fail(
            sent=sent,
            expected=f"old_secret_until in {seconds:g} s (`webhook_rotation_seconds`)",
            got=f"in {left} s" if left is not None else "none",
        )
    during = delivered(client, hook, rng)
    sent = "a delivery during a rotation"
    for who, key in (("the new", new.secret), ("the old", hook.secret)):
        if refusal := messages.accepted(key, *during):
            fail(
                sent=f"{sent}, to a receiver that knows {who} secret",
                expected="standardwebhooks accepts it",
                got=refusal,
                cause="both secrets sign until `old_secret_until`",
            )
    client.change_endpoint(hook, old_secret_until=moment(-1))
    after = delivered(client, hook, rng)
    if refusal := messages.accepted(new.secret, *after):
        fail(
            sent="a delivery after a rotation",
            expected="a signature with the new secret",
            got=refusal,
        )
    if not messages.accepted(hook.secret, *after):
        fail(
            sent="a delivery after the old secret's time is over",
            expected="no signature with the old secret",
            got="standardwebhooks accepts the delivery with the old secret",
        )


def delivered(client: WebhookClient, hook: Hook, rng: Random) -> tuple[dict[str, str], bytes]:
    """Create a delivery to this webhook that is due, and return the headers and body that arrive."""
    item = delivery(
        rng,
        endpoint_id=hook.id,
        owner=f"deliveries#{hook.id}",
        due_at=moment(-1),
        tries=0,
        attempts={},
    )
    client.table.put(item)
    sent = "a delivery that is due"
    ours = lambda view: view["status"] == "delivered" or view["delivery_id"] != id_of(item)  # noqa: E731
    count = 1 + len([one for one in client.listed(hook) if one["delivery_id"] != id_of(item)])
    client.settled(sent, hook, count, "delivered", ours)
    found = [each for each in client.arrived(hook) if each.header("webhook-id") == id_of(item)]
    if len(found) != 1:
        expected = f"one request with webhook-id {id_of(item)}"
        fail(sent=sent, expected=expected, got=f"{len(found)}")
    one = found[0]
    return {name.lower(): value for name, value in one.headers}, one.body


def test_a_rotation_that_comes_too_late(code: Code, client: WebhookClient, rng: Random) -> None:
    """If the secret has changed since the endpoint was read, one of two new secrets would be lost."""
    hook = client.register("twice")
    before = client.endpoint(hook)
    seen = endpoint(rng, id=hook.id)
    sent = "rotate() of an endpoint whose secret was rotated by another request meanwhile"
    answer = code.ask(ENDPOINTS, "rotate", PUBLIC, made(ENDPOINTS, "Endpoint", **seen))
    cause = "write with `_change`, which refuses if the secret is not the one that was read"
    must_raise(sent, answer, "EndpointConflict", cause)
    if client.endpoint(hook) != before:
        fail(sent=sent, expected="nothing written", got="a changed endpoint", cause=cause)


def test_no_secret_is_shown_again(client: WebhookClient) -> None:
    hook = client.register("quiet")
    sent = "POST /webhooks/{id}/rotate"
    view = client.must(sent, 200, "POST", f"/webhooks/{hook.id}/rotate")
    view = view if isinstance(view, dict) else {}
    for path in ("/webhooks", f"/webhooks/{hook.id}/deliveries"):
        text = client.api.get(path).text
        if any(one in text for one in (hook.secret, str(view.get("secret")), "whsec_")):
            fail(
                sent=f"GET {path.replace(hook.id, '{id}')}",
                expected="no secret, because it is shown only once, when it is created",
                got="a secret in the response",
                cause="everybody who can read logged responses could sign webhooks",
            )
