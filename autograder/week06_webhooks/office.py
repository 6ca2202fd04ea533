"""Webhooks over HTTP: registering them, what became of each, what arrived, and pushing time on."""

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
"""The item with the webhooks of whoever asks the API here."""

View = dict[str, Any]


@dataclass(frozen=True)
class Hook:
    """A webhook that was registered, and the receiver's name in the sink."""

    id: str
    secret: str
    name: str


@dataclass(frozen=True)
class Office:
    """The API and all that can be seen from outside."""

    api: Api
    worker: Worker
    table: JobsTable
    sink: WebhookSink

    def must(self, sent: str, status: int, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON; another status is a card."""
        answer = self.api.request(method, path, **options)
        if answer.status_code != status:
            fail(
                sent=sent,
                expected=f"{status}",
                got=f"{answer.status_code} {answer.text[:300]}",
                cause="an exception in the route: the log below names it"
                if answer.status_code == 500
                else "",
                log=log_of(self.api, answer),
            )
        return self.api.json(answer)

    def register(self, name: str, **more: Any) -> Hook:
        """`POST /webhooks` for a receiver of this name."""
        body = {"url": self.sink.url(name), **more}
        made = self.must("POST /webhooks", 201, "POST", "/webhooks", json=body)
        if not isinstance(made, dict) or not {"webhook_id", "secret"} <= set(made):
            fail(sent="POST /webhooks", expected="the webhook, with its secret", got=made)
        return Hook(str(made["webhook_id"]), str(made["secret"]), name)

    def listed(self, hook: Hook) -> list[View]:
        """`GET /webhooks/{id}/deliveries`, newest first."""
        sent = "GET /webhooks/{id}/deliveries"
        page = self.must(sent, 200, "GET", f"/webhooks/{hook.id}/deliveries")
        found = page.get("deliveries") if isinstance(page, dict) else None
        if not isinstance(found, list) or not all(map(_is_view, found)):
            cause = "`DeliveryView.of` makes it"
            fail(sent=sent, expected="deliveries with their attempts", got=page, cause=cause)
        return found

    def only(self, hook: Hook) -> View:
        """The one delivery to this webhook."""
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
        cause: str = "the list of attempts says how far it came, the worker's log why",
    ) -> list[View]:
        """The deliveries to a webhook, once there are `count`, each of which is `enough`."""
        seen: list[View] = []

        def look() -> bool:
            seen[:] = self.listed(hook)
            return len(seen) == count and all(map(enough, seen))

        if not until(look, DONE_SECONDS):
            got = [{name: one.get(name) for name in ("status", "attempts")} for one in seen]
            fail(
                sent=sent,
                expected=f"{expected}, within {DONE_SECONDS:g} s",
                got=got or "no delivery",
                cause=cause,
                log=self.trouble(),
            )
        return seen

    def trouble(self) -> tuple[str, ...]:
        """What the worker's log says, but of the document that nobody can read: that is ours."""
        last = traceback_in(self.worker.recent())
        known = any(EXPECTED in line for line in last)
        return last if last and not known else self.worker.tail()

    def arrived(self, hook: Hook) -> list[Arrived]:
        """What the receiver has seen."""
        return self.sink.deliveries(hook.name)

    def push(self, delivery_id: str) -> None:
        """Hours go by: the delivery's next attempt is due."""
        item = self.row(delivery_id)
        if not item:
            fail(
                sent="GET /webhooks/{id}/deliveries",
                expected="deliveries that the table has, each with the id of its item",
                got=f"the delivery {delivery_id}: there is no item {PREFIX}{delivery_id}",
            )
        self.table.change(item["id"], **now_due(item))

    def endpoint(self, hook: Hook) -> Item:
        """A webhook, as its owner's item has it."""
        owner = self.table.get(OWNER) or {}
        found = owner.get(hook.id)
        if not isinstance(found, dict):
            expected = f"the webhook {hook.id} in the item {OWNER}"
            fail(sent="a webhook that was registered", expected=expected, got=plain(found))
        return found

    def change_endpoint(self, hook: Hook, **changes: Any) -> None:
        """Set attributes of a webhook, past all code of the student's."""
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
    """A time that the API tells. None: none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        fail(sent=sent, expected="a time in ISO 8601, with its zone", got=text)
    return found


def check_signed(sent: str, hook: Hook, one: Arrived, delivery: View) -> None:
    """The official library accepts it, byte for byte, under the delivery's id."""
    headers = {name.lower(): value for name, value in one.headers}
    if refusal := messages.accepted(hook.secret, headers, one.body):
        fail(
            sent=sent,
            expected="a request that standardwebhooks accepts",
            got=f"{refusal}; headers {headers}",
            cause="what is sent must be what was signed, byte for byte",
        )
    if headers["webhook-id"] != delivery["delivery_id"]:
        fail(
            sent=sent,
            expected=f"webhook-id: {delivery['delivery_id']}, the delivery's",
            got=headers["webhook-id"],
            cause="by the id a receiver sees that it had this one before: it never changes",
        )


def outcomes(delivery: View) -> list[Any]:
    """Status or error of each attempt, in order; None where neither is on record."""
    return [one.get("status") or one.get("error") for one in delivery["attempts"]]


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """The part of a row that a card shows."""
    names = ("status", "tries", "tries_before", "next_at", "due_at", "lease_until")
    return {name: plain(item.get(name)) for name in names}
