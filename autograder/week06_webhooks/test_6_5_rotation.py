"""6.5: during a rotation two secrets sign, after it one, and no secret is shown twice."""

from __future__ import annotations

import base64
import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made, show
from autograder.sdk.answers import Code, must_raise, must_return, plain
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
from autograder.sdk.jobs_table import moment
from autograder.week06_webhooks import messages
from autograder.week06_webhooks.client import OWNER, Hook, WebhookClient, time_of
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
    """e, f: the new secret always signs, and the old one until `old_secret_until`."""
    old, new = messages.secret(rng), messages.secret(rng)
    for what, until, wanted, why in (
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
        ("at no time that is known (None)", None, [new], "without a time, only the new one signs"),
    ):
        end = None if until is None else time.time() + until
        values = endpoint(rng, secret=new, old_secret=old, old_secret_until=end)
        sent = f"signing_secrets() of an endpoint whose old secret ends {what}"
        said = must_return(
            sent, code.ask(ENDPOINTS, "signing_secrets", made(ENDPOINTS, "Endpoint", **values))
        )
        if said != wanted:
            turned = said == wanted[::-1]
            cause = "the newest is the first, then the old one" if turned else why
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


def test_the_moment_at_which_it_ends(code: Code, rng: Random) -> None:
    """f: at `old_secret_until` itself, the time of the old secret is over."""
    student = code.student
    now = float(int(time.time()))
    values = endpoint(rng, old_secret=messages.secret(rng), old_secret_until=now)
    argument = made(ENDPOINTS, "Endpoint", **values)
    clock = made("builtins", "getattr", made("itertools", "repeat", now), "__next__")
    module = made("importlib", "import_module", "time")
    student.call("importlib", "import_module", ENDPOINTS)
    try:
        student.call("builtins", "setattr", module, "time", clock)
        answer = code.ask(ENDPOINTS, "signing_secrets", argument)
    finally:
        student.renew()
    sent = "signing_secrets() at the moment that `old_secret_until` names"
    if (said := must_return(sent, answer)) != [values["secret"]]:
        got = f"{len(said)} secrets" if isinstance(said, list) else said
        cause = "the old secret signs while it is earlier than `old_secret_until`"
        fail(sent=sent, expected="a list with the new secret only", got=got, cause=cause)


def test_two_rotations(
    code: Code, client: WebhookClient, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, b, d: the old secret is always the one that was in use, and each rotation is one write."""
    hook = client.register("rotated-twice")
    used = [hook.secret]
    for which in ("first", "second", "third"):
        sent = f"rotate(), the {which} time, while the earlier rotations are still running"
        seen = {"events": ["job.completed"], **client.endpoint(hook)}
        argument = made(ENDPOINTS, "Endpoint", **plain(seen))
        with dynamodb_proxy.watching() as requests:
            said = must_return(sent, code.ask(ENDPOINTS, "rotate", PUBLIC, argument))
        row = client.endpoint(hook)
        new = row.get("secret")
        if new in used or not is_secret(new):
            cause = "`new_secret()` returns a new random secret"
            fail(sent=sent, expected="a new secret in the table", got=show(new), cause=cause)
        if row.get("old_secret") != used[-1]:
            known = row.get("old_secret") in used
            fail(
                sent=sent,
                expected="old_secret is the one that was in use until now",
                got="an older one" if known else show(row.get("old_secret")),
                cause="set it to `endpoint.secret`, also during a rotation: after a leak the owner rotates "
                "twice, and the leaked secret must be gone",
            )
        if not isinstance(said, dict) or said.get("secret") != new:
            cause = "return what `_change` returns"
            fail(sent=sent, expected="the endpoint with the new secret", got=said, cause=cause)
        check_one_write(sent, requests, OWNER, TOGETHER)
        used.append(str(new))


TOGETHER = (
    "write all three with one call of `_change`: after a crash between two writes, the old secret is "
    "lost, or signs without an end"
)


def is_secret(said: Any) -> bool:
    """Is this `whsec_` and base64 of 24 to 64 bytes?"""
    try:
        raw = base64.b64decode(said.removeprefix("whsec_"), validate=True)
    except (AttributeError, TypeError, ValueError):
        return False
    return said.startswith("whsec_") and 24 <= len(raw) <= 64


def test_a_rotation(configured: Configured, client: WebhookClient, rng: Random) -> None:
    """a, c, e, f: a receiver gets two signatures during a rotation, and one after it."""
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
            cause="the time comes from the setting: `moment(webhook_settings().webhook_rotation_seconds)`",
        )
    if client.endpoint(hook).get("secret") != new.secret:
        cause = "return what `_change` returns"
        fail(sent=sent, expected="the secret that is in the table", got="another", cause=cause)
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
    """d: if the secret has changed since the endpoint was read, a new secret would be lost."""
    hook = client.register("twice")
    before = client.endpoint(hook)
    seen = endpoint(rng, id=hook.id)
    sent = "rotate() of an endpoint whose secret was rotated by another request meanwhile"
    answer = code.ask(ENDPOINTS, "rotate", PUBLIC, made(ENDPOINTS, "Endpoint", **seen))
    cause = "write with `_change`, which refuses if the secret is not the one that was read"
    must_raise(sent, answer, "EndpointConflict", cause)
    if client.endpoint(hook) != before:
        fail(sent=sent, expected="nothing written", got="a changed endpoint", cause=cause)


def test_a_rotation_right_before_the_write(
    code: Code, client: WebhookClient, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """d: another request rotates between the student's reads, if there are any, and the write."""
    hook = client.register("rotated-by-two")
    argument = made(ENDPOINTS, "Endpoint", **plain(client.endpoint(hook)))
    other = messages.secret(rng)

    def writes(request: Request) -> bool:
        return request.writes and request.names(OWNER)

    sent = (
        "rotate() of an endpoint whose secret is rotated by another request, right before the write"
    )
    with dynamodb_proxy.before(lambda: client.change_endpoint(hook, secret=other), writes):
        answer = code.ask(ENDPOINTS, "rotate", PUBLIC, argument)
    cause = (
        "`_change` refuses: let `EndpointConflict` pass. The other person has seen the other secret"
    )
    must_raise(sent, answer, "EndpointConflict", cause)
    if client.endpoint(hook).get("secret") != other:
        fail(sent=sent, expected="the other secret stays", got="it was replaced", cause=cause)


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
