"""6.5: an owner can resend a delivery, with the same id."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from autograder.sdk import CheckFailed, Run, TookTooLong, fail, until
from autograder.sdk.answers import changed
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import LONG, Item, moment
from autograder.week06_webhooks import messages
from autograder.week06_webhooks.client import (
    OWNER,
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


def test_the_row_is_written_first(
    client: WebhookClient, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """k: while the write is on its way, no worker has got a message."""
    hook = client.register("ordered")
    item = ended(rng, hook)
    client.table.put(item)
    early: list[Request] = []

    def is_restart(request: Request) -> bool:
        return request.writes and request.names(item["id"]) and b"tries_before" in request.body

    with contextlib.ExitStack() as pause:
        pause.enter_context(client.worker.paused())

        def hold() -> None:
            before = len(seen)
            pause.close()
            until(lambda: len(about(item, seen[before:])) > 0, LOOK_SECONDS)
            early.extend(about(item, seen[before:]))

        with dynamodb_proxy.before(hold, is_restart) as seen:
            resend(client, item)
    if early:
        fail(
            sent="POST /deliveries/{id}/resend, while DynamoDB is slow to write",
            expected="first the row is written, then the message is sent",
            got="a worker reads the delivery, and its row is not written yet",
            cause="a fast worker sees a delivery that is not due, and drops the message. Await "
            "`tell_a_worker` after `send_again` has returned",
        )


LOOK_SECONDS = 1.5
"""In this time, a worker that has got a message reads the delivery."""


def about(item: Item, seen: list[Request]) -> list[Request]:
    return [one for one in seen if one.names(item["id"])]


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
    cause = "a delivery of any status can be resent, unless a worker has it: `send_again` decides"
    view = client.must(sent, 202, "POST", f"/deliveries/{id_of(item)}/resend", cause)
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


@pytest.mark.parametrize("step", ["delivery", "webhook", "write"])
def test_other_requests_do_not_wait(
    client: WebhookClient, dynamodb_proxy: DynamoDBProxy, rng: Random, step: str
) -> None:
    """m: while one of the three steps waits for DynamoDB, the API answers other requests."""
    hook = client.register(f"slow-{step}")
    item = ended(rng, hook)
    client.table.put(item)
    said: list[str] = []

    def ask() -> None:
        try:
            said.append(str(client.api.get("/health", timeout=HEALTH_SECONDS).status_code))
        except CheckFailed as failure:
            said.append(failure.card.got)

    def fits(request: Request) -> bool:
        key = OWNER if step == "webhook" else item["id"]
        return request.names(key) and request.writes is (step == "write")

    sent = f"GET /health while a resend waits for DynamoDB ({STEPS[step]})"
    with dynamodb_proxy.before(ask, fits):
        try:
            resend(client, item)
        except CheckFailed:
            if said in ([], ["200"]):
                raise
    if said != ["200"]:
        fail(
            sent=sent,
            expected="200, at once",
            got=said[0] if said else "there was no such request",
            cause=f"{STEPS[step]} blocks the event loop, so every other request waits: write "
            f"`await on_thread(…)`",
        )


STEPS = {
    "delivery": "`deliveries.find`",
    "webhook": "`endpoints.find`",
    "write": "`deliveries.send_again`",
}
HEALTH_SECONDS = 3.0


@contextlib.contextmanager
def silent_redis(run: Run) -> Iterator[None]:
    """Pause Redis: it accepts connections and never answers."""
    os.kill(run.redis.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(run.redis.process.pid, signal.SIGCONT)


def test_redis_does_not_answer(client: WebhookClient, run: Run, rng: Random) -> None:
    """k, m: the message is left to the outbox, and the API answers other requests meanwhile."""
    hook = client.register("unheard")
    item = ended(rng, hook, tries=3)
    client.table.put(item)
    sent = "POST /deliveries/{id}/resend, while Redis accepts connections and does not answer"

    def restarted() -> bool:
        return bool((client.table.get(item["id"]) or {}).get("tries_before"))

    with client.worker.paused(), ThreadPoolExecutor(1) as pool, silent_redis(run):
        answer = pool.submit(resend, client, item)
        until(lambda: answer.done() or restarted(), LOOK_SECONDS)
        started, longest = time.monotonic(), 0.0
        while not answer.done():
            asked = time.monotonic()
            with contextlib.suppress(TookTooLong):
                client.api.get("/webhooks", timeout=SILENT_SECONDS)
            longest = max(longest, time.monotonic() - asked)
        waited = time.monotonic() - started
        status = answer.result().status_code
    if status != 202:
        fail(
            sent=sent,
            expected="202, because the outbox sends the message later",
            got=status,
            cause="`tell_a_worker` catches what the broker raises: call it, and not `publish`",
        )
    if longest > max(BLOCKED * waited, 1.0):
        fail(
            sent=f"{sent}, and many requests GET /webhooks at the same time",
            expected="responses at once, also while the resend waits for Redis",
            got=f"one took {longest:.1f} s, while the resend waited for {waited:.1f} s",
            cause="`announce` blocks the event loop: await `tell_a_worker`, which runs it on a thread",
        )


SILENT_SECONDS = 10.0
BLOCKED = 0.8
"""If one response takes this part of the wait, the event loop is blocked, and not only slow."""
