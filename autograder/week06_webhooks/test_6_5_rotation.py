"""6.5: while a secret is replaced two sign, then one; and none is shown again."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made, show
from autograder.sdk.answers import Code, must_raise, must_return
from autograder.sdk.jobs_table import moment
from autograder.week06_webhooks import messages
from autograder.week06_webhooks.conftest import Place
from autograder.week06_webhooks.office import Hook, Office, time_of
from autograder.week06_webhooks.rows import PUBLIC, delivery, endpoint_id, id_of

pytestmark = pytest.mark.item("6.5")

ENDPOINTS = "pipeline.webhooks.endpoints"


def endpoint(rng: Random, **more: Any) -> dict[str, Any]:
    """An endpoint's values."""
    values = {
        "id": endpoint_id(rng),
        "url": "https://example.com/",
        "events": ["job.completed"],
        "created_at": time.time() - 1_000,
        "secret": messages.secret(rng),
    }
    return values | more


def test_who_signs(code: Code, rng: Random) -> None:
    """The new secret always; the old one until its time is over."""
    old, new = messages.secret(rng), messages.secret(rng)
    for what, until, wanted, cause in (
        (
            "in an hour",
            3_600,
            [new, old],
            "a receiver that has not learned the new one knows no other",
        ),
        ("in a minute", 60, [new, old], "it is not over yet"),
        ("a minute ago", -60, [new], "its time is over: it may be replaced because it leaked"),
        ("a year ago", -31_536_000, [new], "its time is over"),
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
        fail(sent=sent, expected="its one secret", got=said)


def test_a_rotation(place: Place, office: Office, rng: Random) -> None:
    """`POST /webhooks/{id}/rotate`, and what the receiver gets then; and a day later."""
    hook = office.register("rotated")
    began = time.time()
    sent = "POST /webhooks/{id}/rotate"
    view = office.must(sent, 200, "POST", f"/webhooks/{hook.id}/rotate")
    view = view if isinstance(view, dict) else {}
    new = Hook(hook.id, str(view.get("secret")), hook.name)
    if not new.secret.startswith("whsec_") or new.secret == hook.secret:
        fail(sent=sent, expected="a new secret", got=show(new.secret), cause="`new_secret()`")
    seconds = place.seconds("WEBHOOK_ROTATION_SECONDS")
    until = time_of(sent, view.get("old_secret_until"))
    left = until.timestamp() - began if until else None
    if left is None or not seconds - 1 <= left <= seconds + 60:
        fail(
            sent=sent,
            expected=f"old_secret_until in {seconds:g} s (`webhook_rotation_seconds`)",
            got=f"in {left} s" if left is not None else "none",
        )
    during = delivered(office, hook, rng)
    sent = "a delivery during a rotation"
    for who, key in (("the new", new.secret), ("the old", hook.secret)):
        if refusal := messages.accepted(key, *during):
            fail(
                sent=f"{sent}, to a receiver that knows {who} secret",
                expected="standardwebhooks accepts it",
                got=refusal,
                cause="both sign, until the old one's time is over",
            )
    office.change_endpoint(hook, old_secret_until=moment(-1))
    after = delivered(office, hook, rng)
    if refusal := messages.accepted(new.secret, *after):
        fail(sent="a delivery after a rotation", expected="the new secret signs", got=refusal)
    if not messages.accepted(hook.secret, *after):
        fail(
            sent="a delivery when the old secret's time is over",
            expected="the old secret signs no more",
            got="standardwebhooks accepts it with the old secret",
        )


def delivered(office: Office, hook: Hook, rng: Random) -> tuple[dict[str, str], bytes]:
    """Headers and body of a delivery to this webhook, made now. It is due in the table."""
    item = delivery(
        rng,
        endpoint_id=hook.id,
        owner=f"deliveries#{hook.id}",
        due_at=moment(-1),
        tries=0,
        attempts={},
    )
    office.table.put(item)
    sent = "a delivery that is due"
    ours = lambda view: view["status"] == "delivered" or view["delivery_id"] != id_of(item)  # noqa: E731
    count = 1 + len([one for one in office.listed(hook) if one["delivery_id"] != id_of(item)])
    office.settled(sent, hook, count, "delivered", ours)
    found = [each for each in office.arrived(hook) if each.header("webhook-id") == id_of(item)]
    if len(found) != 1:
        expected = f"one request with webhook-id {id_of(item)}"
        fail(sent=sent, expected=expected, got=f"{len(found)}")
    one = found[0]
    return {name.lower(): value for name, value in one.headers}, one.body


def test_a_rotation_that_comes_too_late(code: Code, office: Office, rng: Random) -> None:
    """Somebody else has rotated since the endpoint was read: one of two new secrets would be lost."""
    hook = office.register("twice")
    before = office.endpoint(hook)
    seen = endpoint(rng, id=hook.id)
    sent = "rotate() of an endpoint that somebody else has rotated meanwhile"
    answer = code.ask(ENDPOINTS, "rotate", PUBLIC, made(ENDPOINTS, "Endpoint", **seen))
    cause = "`_change` writes only if the secret is still the one that was read"
    must_raise(sent, answer, "EndpointConflict", cause)
    if office.endpoint(hook) != before:
        fail(sent=sent, expected="nothing written", got="another endpoint", cause=cause)


def test_no_secret_is_shown_again(office: Office) -> None:
    hook = office.register("quiet")
    sent = "POST /webhooks/{id}/rotate"
    view = office.must(sent, 200, "POST", f"/webhooks/{hook.id}/rotate")
    view = view if isinstance(view, dict) else {}
    for path in ("/webhooks", f"/webhooks/{hook.id}/deliveries"):
        text = office.api.get(path).text
        if any(one in text for one in (hook.secret, str(view.get("secret")), "whsec_")):
            fail(
                sent=f"GET {path.replace(hook.id, '{id}')}",
                expected="no secret: it was shown once, when it was made",
                got="a secret in the answer",
                cause="who reads a log of answers could sign",
            )
