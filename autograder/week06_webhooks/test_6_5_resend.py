"""6.5: what was sent can be sent again, by its owner, under the same id."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import changed, number
from autograder.sdk.jobs_table import Item, moment
from autograder.week06_webhooks.office import Hook, Office, check_signed, outcomes, shown
from autograder.week06_webhooks.rows import delivery, endpoint_id, id_of

pytestmark = pytest.mark.item("6.5")


def ended(rng: Random, hook: Hook, status: str = "delivered", **more: Any) -> Item:
    """A delivery to this webhook that is over."""
    values = {"endpoint_id": hook.id, "owner": f"deliveries#{hook.id}", "status": status}
    return delivery(rng, **{**values, **more})


def resend(office: Office, item: Item) -> Any:
    return office.api.post(f"/deliveries/{id_of(item)}/resend")


@pytest.mark.parametrize("status", ["delivered", "exhausted"])
def test_once_more(office: Office, rng: Random, status: str) -> None:
    """At once, with the same id and body, and on record behind the attempts before it."""
    hook = office.register(f"again-{status}")
    item = ended(rng, hook, status, tries=4, attempts={str(n): tried() for n in range(1, 5)})
    office.table.put(item)
    sent = f"POST /deliveries/{{id}}/resend of a delivery that is {status}"
    view = office.must(sent, 202, "POST", f"/deliveries/{id_of(item)}/resend")
    view = view if isinstance(view, dict) else {"status": view}
    said = view.get("delivery_id")
    if said != id_of(item):
        cause = "the receiver knows by the id that it had this one before"
        fail(sent=sent, expected=f"the delivery {id_of(item)}", got=said, cause=cause)
    if view.get("status") not in ("pending", "delivered"):  # a worker may have been faster
        cause = "the answer is the delivery as it is then: `send_again` returns it"
        fail(sent=sent, expected="status pending", got=view.get("status"), cause=cause)
    expected = "delivered, with attempt 5 on record, at once"
    done = lambda one: one["status"] == "delivered" and len(one["attempts"]) == 5  # noqa: E731
    cause = "first the row says that it is to be sent (`send_again`), then `tell_a_worker`"
    [after] = office.settled(sent, hook, 1, expected, done, cause)
    found = office.arrived(hook)
    if len(found) != 1 or found[0].body != item["body"].encode():
        got = [one.body.decode(errors="replace")[:200] for one in found]
        fail(sent=sent, expected="one request, with the delivery's body", got=got)
    check_signed(sent, hook, found[0], after)
    if outcomes(after)[:4] != [500] * 4:
        fail(sent=sent, expected="the attempts before it stay on record", got=outcomes(after))


def tried() -> Item:
    return {"at": moment(-400), "status": 500}


def test_whose_delivery(office: Office, rng: Random) -> None:
    """Another owner's delivery is one that does not exist; so is one that was never made."""
    hook = office.register("mine")
    theirs = ended(rng, hook, endpoint_owner=f"owner-{rng.getrandbits(32):x}")
    office.table.put(theirs)
    for what, item in (("of another owner", theirs), ("that does not exist", ended(rng, hook))):
        sent = f"POST /deliveries/{{id}}/resend of a delivery {what}"
        refused(office, sent, item, 404, "`deliveries.find(id, owner)` knows whose it is")
    there_no_more = Hook(endpoint_id(rng), "", "")
    orphan = ended(rng, there_no_more)
    office.table.put(orphan)
    sent = "POST /deliveries/{id}/resend of a delivery whose webhook was deleted"
    refused(office, sent, orphan, 404, "`endpoints.find(owner, …)` says that there is none")


def refused(office: Office, sent: str, item: Item, status: int, cause: str) -> None:
    """Refused with this status, and nothing written."""
    before = office.table.get(item["id"])
    answer = resend(office, item)
    if answer.status_code != status:
        got = f"{answer.status_code} {answer.text[:200]}"
        fail(sent=sent, expected=str(status), got=got, cause=cause)
    after = office.table.get(item["id"])
    if before is not None and (odd := changed(before, after)):
        fail(sent=sent, expected="nothing written", got=odd, cause=cause)


def test_a_disabled_webhook(office: Office, rng: Random) -> None:
    """Its receiver said that it wants no more."""
    hook = office.register("silent")
    office.change_endpoint(hook, disabled_at=moment(-50), disabled_because="gone")
    item = ended(rng, hook, "discarded")
    office.table.put(item)
    sent = "POST /deliveries/{id}/resend of a delivery to a webhook that is disabled"
    refused(office, sent, item, 409, "`EndpointDisabled`: the owner enables it first")
    if found := office.arrived(hook):
        fail(sent=sent, expected="nothing is sent", got=f"{len(found)} requests")


def test_under_way(office: Office, rng: Random) -> None:
    """A worker has it in this moment: it is not sent twice."""
    hook = office.register("busy")
    item = ended(rng, hook, "pending", lease_until=moment(200), due_at=moment(200))
    office.table.put(item)
    sent = "POST /deliveries/{id}/resend of a delivery that a worker is sending"
    refused(office, sent, item, 409, "`deliveries.send_again` says so: `DeliveryUnderWay`")
    row = office.table.get(item["id"]) or {}
    if number(row.get("lease_until")) is None:
        fail(sent=sent, expected="the lease stays", got=shown(row))
