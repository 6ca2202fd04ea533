"""6.5: an owner can resend a delivery, with the same id.

What a submission could fake:
- counts: requests are counted at the receiver, writes of a rotation by the proxy in front of DynamoDB.
- witness: an answer counts only together with the row and with the request that arrives.
- place: owners, endpoints, ids, secrets and the time of a rotation are random.
- store: the row, the item of the owner, the receiver and the answer. Their order is watched in DynamoDB,
  in Redis and over HTTP.
- probe: another request rotates right before the write. The clock is replaced in one test, which decides
  about a single moment. All other times are real.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import changed
from autograder.sdk.jobs_table import LONG, Item, moment
from autograder.week06_webhooks import messages
from autograder.week06_webhooks.client import (
    Hook,
    WebhookClient,
    check_signed,
    outcomes,
    time_of,
)
from autograder.week06_webhooks.rows import delivery, endpoint_id, id_of

pytestmark = pytest.mark.item("6.5")

CLOCK_SECONDS = 60.0
"""How far the next attempt may be from now in the response of a resend."""


def ended(rng: Random, hook: Hook, status: str = "delivered", **more: Any) -> Item:
    """Return a finished delivery to this webhook."""
    values = {"endpoint_id": hook.id, "owner": f"deliveries#{hook.id}", "status": status}
    return delivery(rng, **{**values, **more})


def resend(client: WebhookClient, item: Item) -> Any:
    return client.api.post(f"/deliveries/{id_of(item)}/resend")


ANY_STATUS = "a delivery of any status can be resent, unless a worker has it: `send_again` decides"
WAITS = "waiting for its next attempt"


@pytest.mark.parametrize("status", ["delivered", "exhausted", "discarded", WAITS])
def test_once_more(client: WebhookClient, rng: Random, status: str) -> None:
    """j, k, l: it is sent at once, with the same id and body, and recorded after the earlier attempts."""
    hook = client.register(f"again-{status.partition(' ')[0]}")
    attempts = {str(n): tried() for n in range(1, 5)}
    item = ended(rng, hook, status, tries=4, attempts=attempts)
    if status == WAITS:
        later = {"next_at": moment(LONG), "due_at": moment(LONG)}
        item = ended(rng, hook, "pending", tries=4, attempts=attempts, **later)
    client.table.put(item)
    sent = f"POST /deliveries/{{id}}/resend of a delivery that is {status}"
    began = time.time()
    view = client.must(sent, 202, "POST", f"/deliveries/{id_of(item)}/resend", ANY_STATUS)
    check_view(sent, item, view, began)
    expected = "delivered at once, with a record of attempt 5"
    done = lambda one: one["status"] == "delivered" and len(one["attempts"]) == 5  # noqa: E731
    cause = "write the row first (`send_again`), then await `tell_a_worker` with the delivery's id"
    [after] = client.settled(sent, hook, 1, expected, done, cause)
    found = client.arrived(hook)
    if len(found) != 1 or found[0].body != item["body"].encode():
        got = [one.body.decode(errors="replace")[:200] for one in found]
        fail(sent=sent, expected="one request with the delivery's body", got=got)
    check_signed(sent, hook, found[0], after)
    if outcomes(after)[:4] != [500] * 4:
        fail(
            sent=sent, expected="the records of the earlier attempts are kept", got=outcomes(after)
        )


def check_view(sent: str, item: Item, view: Any, began: float) -> None:
    """The response is the delivery as it is after the write of `send_again`."""
    view = view if isinstance(view, dict) else {"status": view}
    said = view.get("delivery_id")
    if said != id_of(item):
        cause = "the receiver recognises a repetition by the id, so the id must stay the same"
        fail(sent=sent, expected=f"the delivery {id_of(item)}", got=said, cause=cause)
    planned = time_of(sent, view.get("next_attempt_at"))
    late = planned is None or planned.timestamp() > began + CLOCK_SECONDS
    if view.get("status") != "pending" or late:
        fail(
            sent=sent,
            expected="the status pending, with the next attempt now",
            got=f"{view.get('status')}, with the next attempt at {planned}",
            cause="return the view of the delivery that `send_again` returns, and not of the one before",
        )


def tried() -> Item:
    return {"at": moment(-400), "status": 500}


def test_whose_delivery(client: WebhookClient, rng: Random) -> None:
    """g, h: a delivery of another owner is refused in the same way as one that does not exist."""
    hook = client.register("mine")
    stranger = f"owner-{rng.getrandbits(32):x}"
    theirs = ended(rng, hook, endpoint_owner=stranger)
    other = Hook(endpoint_id(rng), messages.secret(rng), "theirs")
    whole = ended(rng, other, endpoint_owner=stranger)
    client.table.put(theirs, whole, endpoints_of(stranger, other, client.sink.url("theirs")))
    by_owner = "pass the owner: `deliveries.find(delivery_id, owner)`"
    for what, item in (
        ("of another owner", theirs),
        ("of another owner, who also has its webhook", whole),
        ("that does not exist", ended(rng, hook)),
    ):
        sent = f"POST /deliveries/{{id}}/resend of a delivery {what}"
        refused(client, sent, item, 404, "delivery_not_found", by_owner)
    there_no_more = Hook(endpoint_id(rng), "", "")
    orphan = ended(rng, there_no_more)
    client.table.put(orphan)
    sent = "POST /deliveries/{id}/resend of a delivery whose webhook was deleted"
    cause = "call `endpoints.find(owner, …)`, which raises `EndpointNotFound`"
    refused(client, sent, orphan, 404, "endpoint_not_found", cause)


def endpoints_of(owner: str, hook: Hook, url: str) -> Item:
    """Return the item with the only webhook of an owner."""
    one = {"id": hook.id, "url": url, "secret": hook.secret, "created_at": moment(-900)}
    events = ["job.completed", "job.failed"]
    return {"id": f"webhooks#{owner}", "count": 1, hook.id: {**one, "events": events}}


def refused(
    client: WebhookClient, sent: str, item: Item, status: int, kind: str, cause: str
) -> None:
    """The request is refused with this status and type, and nothing is written."""
    before = client.table.get(item["id"])
    answer = resend(client, item)
    body = client.api.json(answer) if answer.status_code == status else None
    if not isinstance(body, dict) or body.get("type") != kind:
        got = f"{answer.status_code} {answer.text[:200]}"
        fail(sent=sent, expected=f"{status} with the type {kind}", got=got, cause=cause)
    after = client.table.get(item["id"])
    if before is not None and (odd := changed(before, after)):
        fail(sent=sent, expected="nothing written", got=odd, cause=cause)


@pytest.mark.parametrize("status", ["discarded", "pending"])
def test_a_disabled_webhook(client: WebhookClient, rng: Random, status: str) -> None:
    """i: nothing is sent to a disabled webhook, and nothing is written."""
    hook = client.register(f"silent-{status}")
    client.change_endpoint(hook, disabled_at=moment(-50), disabled_because="gone")
    item = ended(rng, hook, status, next_at=moment(LONG))
    client.table.put(item)
    sent = f"POST /deliveries/{{id}}/resend of a {status} delivery to a webhook that is disabled"
    cause = (
        "raise `EndpointDisabled` if `endpoint.disabled_at` is set, before you call `send_again`"
    )
    refused(client, sent, item, 409, "endpoint_disabled", cause)
    if found := client.arrived(hook):
        fail(sent=sent, expected="nothing is sent", got=f"{len(found)} requests")


def test_under_way(client: WebhookClient, rng: Random) -> None:
    """j: a delivery that a worker is sending is not sent twice."""
    hook = client.register("busy")
    item = ended(rng, hook, "pending", lease_until=moment(200), due_at=moment(200))
    client.table.put(item)
    sent = "POST /deliveries/{id}/resend of a delivery that a worker is sending"
    cause = "`deliveries.send_again` raises `DeliveryUnderWay`: let it pass"
    refused(client, sent, item, 409, "delivery_under_way", cause)
