"""A client of the webhook API: registers webhooks, reads deliveries and attempts, moves due times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autograder.sdk import Api, WebhookSink, Worker, fail, until
from autograder.sdk import Delivery as Arrived
from autograder.sdk.answers import plain
from autograder.sdk.api_log import log_of, traceback_in
from autograder.sdk.jobs_table import Item, JobsTable
from autograder.week06_webhooks import messages
from autograder.week06_webhooks.rows import PREFIX, PUBLIC, now_due

DONE_SECONDS = 25.0
EXPECTED = "DamagedDocument"
OWNER = f"webhooks#{PUBLIC}"
"""The item with the webhooks of the owner who calls the API here."""

View = dict[str, Any]


@dataclass(frozen=True)
class Hook:
    """A registered webhook, and the name of its receiver in the sink."""

    id: str
    secret: str
    name: str


@dataclass(frozen=True)
class WebhookClient:
    """The API, the worker, the table and the receivers, as seen from outside."""

    api: Api
    worker: Worker
    table: JobsTable
    sink: WebhookSink

    def must(
        self, sent: str, status: int, method: str, path: str, cause: str = "", **options: Any
    ) -> Any:
        """Send a request and return the JSON of the response. Another status is a failure card."""
        answer = self.api.request(method, path, **options)
        if answer.status_code != status:
            fail(
                sent=sent,
                expected=f"{status}",
                got=f"{answer.status_code} {answer.text[:300]}",
                cause="the route raised an exception, which the log below names"
                if answer.status_code == 500
                else cause,
                log=log_of(self.api, answer),
            )
        return self.api.json(answer)

    def register(self, name: str, **more: Any) -> Hook:
        """Register a webhook for a receiver of this name."""
        body = {"url": self.sink.url(name), **more}
        made = self.must("POST /webhooks", 201, "POST", "/webhooks", json=body)
        if not isinstance(made, dict) or not {"webhook_id", "secret"} <= set(made):
            fail(sent="POST /webhooks", expected="the webhook with its secret", got=made)
        return Hook(str(made["webhook_id"]), str(made["secret"]), name)

    def listed(self, hook: Hook) -> list[View]:
        """Return the deliveries to a webhook, newest first."""
        sent = "GET /webhooks/{id}/deliveries"
        page = self.must(sent, 200, "GET", f"/webhooks/{hook.id}/deliveries")
        found = page.get("deliveries") if isinstance(page, dict) else None
        if not isinstance(found, list) or not all(map(_is_view, found)):
            cause = "`DeliveryView.of` builds each of them"
            fail(sent=sent, expected="deliveries with their attempts", got=page, cause=cause)
        return found

    def only(self, hook: Hook) -> View:
        """Return the only delivery to this webhook."""
        found = self.listed(hook)
        if len(found) != 1:
            sent = f"GET /webhooks/{{id}}/deliveries of the receiver {hook.name!r}"
            fail(sent=sent, expected="one delivery", got=found)
        return found[0]

    def settled(
        self,
        sent: str,
        hook: Hook,
        count: int,
        expected: str,
        enough: Callable[[View], bool],
        cause: str = "the attempts show how far the delivery came, and the worker's log shows why",
    ) -> list[View]:
        """Wait until a webhook has `count` deliveries and `enough` accepts each. Return them."""
        seen: list[View] = []

        def look() -> bool:
            seen[:] = self.listed(hook)
            return len(seen) == count and all(map(enough, seen))

        if not until(look, DONE_SECONDS):
            got = [  # a card shows only the beginning of a long value
                {"status": one["status"], "attempts, the latest first": one["attempts"][::-1]}
                for one in seen
            ]
            fail(
                sent=sent,
                expected=f"{expected}, within {DONE_SECONDS:g} s",
                got=got or "no delivery",
                cause=cause,
                log=self.trouble(),
            )
        return seen

    def trouble(self) -> tuple[str, ...]:
        """Return the last lines of the worker's log, without the error of our damaged document."""
        last = traceback_in(self.worker.recent())
        known = any(EXPECTED in line for line in last)
        return last if last and not known else self.worker.tail()

    def arrived(self, hook: Hook) -> list[Arrived]:
        """Return the requests that have arrived at the receiver."""
        return self.sink.deliveries(hook.name)

    def push(self, delivery_id: str) -> None:
        """Make the delivery's next attempt due, as if hours had passed."""
        item = self.row(delivery_id)
        if not item:
            fail(
                sent="GET /webhooks/{id}/deliveries",
                expected="deliveries that are in the table, each with the id of its item",
                got=f"the delivery {delivery_id}, but no item {PREFIX}{delivery_id}",
            )
        self.table.change(item["id"], **now_due(item))

    def endpoint(self, hook: Hook) -> Item:
        """Return a webhook as it is in the item of its owner."""
        owner = self.table.get(OWNER) or {}
        found = owner.get(hook.id)
        if not isinstance(found, dict):
            expected = f"the webhook {hook.id} in the item {OWNER}"
            fail(sent="a webhook that was registered", expected=expected, got=plain(found))
        return found

    def change_endpoint(self, hook: Hook, **changes: Any) -> None:
        """Set attributes of a webhook, without any code of the student."""
        self.table.change(OWNER, **{hook.id: self.endpoint(hook) | changes})

    def row(self, delivery_id: str) -> dict[str, Any]:
        return self.table.get(PREFIX + delivery_id) or {}


def _is_view(one: Any) -> bool:
    names = {"delivery_id", "status", "attempts", "next_attempt_at"}
    if not isinstance(one, dict) or not names <= set(one) or not isinstance(one["attempts"], list):
        return False
    if not isinstance(one["delivery_id"], str):
        return False
    return all(isinstance(each, dict) and "at" in each for each in one["attempts"])


def time_of(sent: str, text: Any) -> datetime | None:
    """Parse a time from a response of the API. None stays None."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        fail(sent=sent, expected="a time in ISO 8601 with its zone", got=text)
    return found


def check_signed(sent: str, hook: Hook, one: Arrived, delivery: View) -> None:
    """The official library accepts the request, and its id is that of the delivery."""
    headers = {name.lower(): value for name, value in one.headers}
    if refusal := messages.accepted(hook.secret, headers, one.body):
        fail(
            sent=sent,
            expected="a request that standardwebhooks accepts",
            got=f"{refusal}; headers {headers}",
            cause="the bytes that are sent must be exactly the bytes that were signed",
        )
    if headers["webhook-id"] != delivery["delivery_id"]:
        fail(
            sent=sent,
            expected=f"webhook-id: {delivery['delivery_id']}, the delivery's",
            got=headers["webhook-id"],
            cause="the receiver recognises a repetition by the id, so the id never changes",
        )


def outcomes(delivery: View) -> list[Any]:
    """Return the status or error of each attempt, in order. None means that neither is recorded."""
    return [one.get("status") or one.get("error") for one in delivery["attempts"]]


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a row that a card shows."""
    names = ("status", "tries", "tries_before", "next_at", "due_at", "lease_until")
    return {name: plain(item.get(name)) for name in names}
