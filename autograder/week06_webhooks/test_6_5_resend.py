"""6.5: an owner can resend a delivery, with the same id."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import changed, number
from autograder.sdk.jobs_table import Item, moment
from autograder.week06_webhooks.client import Hook, WebhookClient, check_signed, outcomes, shown
from autograder.week06_webhooks.rows import delivery, endpoint_id, id_of

pytestmark = pytest.mark.item("6.5")


def ended(rng: Random, hook: Hook, status: str = "delivered", **more: Any) -> Item:
    """Return a finished delivery to this webhook."""
    values = {"endpoint_id": hook.id, "owner": f"deliveries#{hook.id}", "status": status}
    return delivery(rng, **{**values, **more})


def resend(client: WebhookClient, item: Item) -> Any:
    return client.api.post(f"/deliveries/{id_of(item)}/resend")


@pytest.mark.parametrize("status", ["delivered", "exhausted"])
def test_once_more(client: WebhookClient, rng: Random, status: str) -> None:
    """It is sent at once, with the same id and body, and recorded after the earlier attempts."""
    hook = client.register(f"again-{status}")
    item = ended(rng, hook, status, tries=4, attempts={str(n): tried() for n in range(1, 5)})
    client.table.put(item)
    sent = f"POST /deliveries/{{id}}/resend of a delivery that is {status}"
    view = client.must(sent, 202, "POST", f"/deliveries/{id_of(item)}/resend")
    view = view if isinstance(view, dict) else {"status": view}
    said = view.get("delivery_id")
    if said != id_of(item):
        cause = "the receiver recognises a repetition by the id, so the id must stay the same"
        fail(sent=sent, expected=f"the delivery {id_of(item)}", got=said, cause=cause)
    if view.get("status") not in ("pending", "delivered"):  # a worker may have been faster
        cause = "return the delivery that `send_again` returns"
        fail(sent=sent, expected="status pending", got=view.get("status"), cause=cause)
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


def tried() -> Item:
    return {"at": moment(-400), "status": 500}


def test_whose_delivery(client: WebhookClient, rng: Random) -> None:
    """A delivery of another owner is refused in the same way as one that does not exist."""
    hook = client.register("mine")
    theirs = ended(rng, hook, endpoint_owner=f"owner-{rng.getrandbits(32):x}")
    client.table.put(theirs)
    for what, item in (("of another owner", theirs), ("that does not exist", ended(rng, hook))):
        sent = f"POST /deliveries/{{id}}/resend of a delivery {what}"
        refused(client, sent, item, 404, "pass the owner: `deliveries.find(delivery_id, owner)`")
    there_no_more = Hook(endpoint_id(rng), "", "")
    orphan = ended(rng, there_no_more)
    client.table.put(orphan)
    sent = "POST /deliveries/{id}/resend of a delivery whose webhook was deleted"
    refused(
        client,
        sent,
        orphan,
        404,
        "call `endpoints.find(owner, …)`, which raises `EndpointNotFound`",
    )


def refused(client: WebhookClient, sent: str, item: Item, status: int, cause: str) -> None:
    """The request is refused with this status, and nothing is written."""
    before = client.table.get(item["id"])
    answer = resend(client, item)
    if answer.status_code != status:
        got = f"{answer.status_code} {answer.text[:200]}"
        fail(sent=sent, expected=str(status), got=got, cause=cause)
    after = client.table.get(item["id"])
    if before is not None and (odd := changed(before, after)):
        fail(sent=sent, expected="nothing written", got=odd, cause=cause)


def test_a_disabled_webhook(client: WebhookClient, rng: Random) -> None:
    """Nothing is sent to a disabled webhook."""
    hook = client.register("silent")
    client.change_endpoint(hook, disabled_at=moment(-50), disabled_because="gone")
    item = ended(rng, hook, "discarded")
    client.table.put(item)
    sent = "POST /deliveries/{id}/resend of a delivery to a webhook that is disabled"
    refused(client, sent, item, 409, "raise `EndpointDisabled` if `endpoint.disabled_at` is set")
    if found := client.arrived(hook):
        fail(sent=sent, expected="nothing is sent", got=f"{len(found)} requests")


def test_under_way(client: WebhookClient, rng: Random) -> None:
    """A delivery that a worker is sending is not sent twice."""
    hook = client.register("busy")
    item = ended(rng, hook, "pending", lease_until=moment(200), due_at=moment(200))
    client.table.put(item)
    sent = "POST /deliveries/{id}/resend of a delivery that a worker is sending"
    refused(
        client, sent, item, 409, "`deliveries.send_again` raises `DeliveryUnderWay`: let it pass"
    )
    row = client.table.get(item["id"]) or {}
    if number(row.get("lease_until")) is None:
        fail(sent=sent, expected="the lease is unchanged", got=shown(row))
