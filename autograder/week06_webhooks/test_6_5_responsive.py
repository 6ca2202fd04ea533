"""6.5: while a resend waits for DynamoDB or for Redis, the API answers other requests."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from autograder.sdk import CheckFailed, Run, TookTooLong, broker, fail, until
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.week06_webhooks.client import OWNER, WebhookClient
from autograder.week06_webhooks.test_6_5_resend import ended, resend

pytestmark = pytest.mark.item("6.5")


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
HEALTH_SECONDS = 5.0


def test_redis_does_not_answer(client: WebhookClient, run: Run, rng: Random) -> None:
    """k, m: the message is left to the outbox, and the API answers other requests meanwhile."""
    hook = client.register("unheard")
    item = ended(rng, hook, tries=3)
    client.table.put(item)
    sent = "POST /deliveries/{id}/resend, while Redis accepts connections and does not answer"

    def restarted() -> bool:
        return bool((client.table.get(item["id"]) or {}).get("tries_before"))

    with client.worker.paused(), ThreadPoolExecutor(1) as pool, broker.silent(run):
        answer = pool.submit(resend, client, item)
        until(lambda: answer.done() or restarted(), WRITE_SECONDS)
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
    if waited < WAITED_SECONDS:
        fail(
            sent=sent,
            expected="an answer when the message is sent, or when it could not be sent",
            got="202 before that",
            cause="`await tell_a_worker(…)`. If nobody awaits it, the message is lost when the process stops",
        )
    if longest > max(BLOCKED * waited, 1.0):
        fail(
            sent=f"{sent}, and many requests GET /webhooks at the same time",
            expected="responses at once, also while the resend waits for Redis",
            got=f"one took {longest:.1f} s, while the resend waited for {waited:.1f} s",
            cause="`announce` blocks the event loop: await `tell_a_worker`, which runs it on a thread",
        )


SILENT_SECONDS, WRITE_SECONDS = 10.0, 1.5
WAITED_SECONDS = 0.2
"""The API waits for Redis for some seconds. Without that wait, the answer is there with the row."""
BLOCKED = 0.8
"""If one response takes this part of the wait, the event loop is blocked, and not only slow."""
