"""6.3 with a real worker: receivers of all kinds, a killed worker, and the recorded attempts.

What a submission could fake:
- counts: requests are counted at the receiver, and more of them lose. A delivery is taken by one write,
  and probes count too.
- witness: rows, the API and the receiver must agree. Each request must have a valid signature and the
  delivery's id.
- place: the schedule, all limits and a part of the statuses are random.
- store: the row, the API's list, the receiver, and the place to which a receiver redirects.
- probe: another worker comes right before a write, and some calls have no race. A worker is killed, and
  its next attempt is like any other one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from autograder.sdk import Fault, Session, fail, until
from autograder.sdk.answers import plain
from autograder.sdk.submitting import text
from autograder.sdk.uploading import accepted, upload
from autograder.week06_webhooks.client import (
    DONE_SECONDS,
    Hook,
    View,
    WebhookClient,
    check_signed,
    outcomes,
    time_of,
)
from autograder.week06_webhooks.conftest import Configured

pytestmark = pytest.mark.item("6.3")

BROKEN = b"%PDF-1.4\nthis is none\n%%EOF\n"
ELSEWHERE = "elsewhere"
NO_ANSWER = "an error"
SENT = "a job is completed; the receiver"


@dataclass(frozen=True)
class Receiver:
    """How a receiver behaves, and which result its delivery must have."""

    does: str
    fault: Fault | None
    first: Any
    """The outcome of the first attempt: a status, or NO_ANSWER."""
    status: str
    """The status of the delivery after that."""


def receivers(client: WebhookClient) -> dict[str, Receiver]:
    """Return the receivers by their names in the sink."""
    away = {"location": client.sink.url(ELSEWHERE)}
    return {
        "down": Receiver("answers 500 once", Fault.status(500), 500, "pending"),
        "dead": Receiver("always answers 503", Fault.status(503, times=None), 503, "pending"),
        "drops": Receiver("closes the connection", Fault.drop(), NO_ANSWER, "pending"),
        "moved": Receiver(
            "redirects (307)", Fault.status(307, headers=away), 307, "pending"
        ),
        "found": Receiver("redirects (302)", Fault.status(302, headers=away), 302, "pending"),
        "gone": Receiver("answers 410", Fault.status(410), 410, "discarded"),
        "endless": Receiver("sends an endless body", Fault.endless(), 200, "delivered"),
    }  # fmt: skip


@dataclass(frozen=True)
class Story:
    """Two finished jobs, and all receivers of their events."""

    kinds: dict[str, Receiver]
    hooks: dict[str, Hook]
    both: Hook
    """Receives the events of both jobs."""
    hangs: Hook
    """Never answers."""
    completed: str
    failed: str


@pytest.fixture(scope="session")
def story(client: WebhookClient, session: Session) -> Story:
    """Register webhooks, then upload a good document and a damaged one."""
    kinds = receivers(client)
    only = {"events": ["job.completed"]}
    hooks = {name: client.register(name, **only) for name in kinds}
    both, hangs = client.register("both"), client.register("hangs", **only)
    for name, kind in kinds.items():
        assert kind.fault is not None
        client.sink.script(on(kind.fault, name))
    client.sink.script(Fault.timeout(on="hangs"))
    rng = session.random("documents")
    ids = [
        accepted(client.api, upload(client.api, content, name), "an upload").task_id
        for content, name in ((text(rng), "keeper.txt"), (BROKEN, "broken.pdf"))
    ]
    return Story(kinds, hooks, both, hangs, *ids)


def on(fault: Fault, name: str) -> Fault:
    return Fault.from_json({**fault.to_json(), "on": name})


def attempted(times: int) -> Any:
    """Return a test: has the delivery this number of finished attempts?"""
    return lambda view: len(view["attempts"]) == times and outcomes(view)[-1] is not None


def test_both_ends_are_told(story: Story, client: WebhookClient) -> None:
    """A completed job and a failed one are each reported once, with a signature."""
    sent = "a good document and a damaged one"
    delivered = lambda view: view["status"] == "delivered"  # noqa: E731
    views = client.settled(
        sent, story.both, 2, "two deliveries with the status delivered", delivered
    )
    found = client.arrived(story.both)
    by_id = {view["delivery_id"]: view for view in views}
    told: dict[str, str] = {}
    for one in found:
        view = by_id.get(one.header("webhook-id") or "", views[0])
        check_signed(sent, story.both, one, view)
        told |= content(sent, one.body)
    wanted = {"job.completed": story.completed, "job.failed": story.failed}
    if len(found) != 2 or told != wanted:
        fail(sent=sent, expected=f"two requests: {wanted}", got=f"{len(found)}: {told}")


def content(sent: str, body: bytes) -> dict[str, str]:
    """Return the event and the job id of a webhook's body."""
    try:
        message = json.loads(body)
        return {message["type"]: message["data"]["job_id"]}
    except (ValueError, TypeError, KeyError):
        fail(
            sent=sent,
            expected="JSON with type, timestamp and data",
            got=body.decode(errors="replace"),
        )


def test_what_the_first_attempt_comes_to(
    story: Story, client: WebhookClient, configured: Configured
) -> None:
    for name, kind in story.kinds.items():
        hook, sent = story.hooks[name], f"{SENT} {kind.does}"
        [view] = client.settled(sent, hook, 1, "one recorded attempt", attempted(1))
        [outcome] = outcomes(view)
        as_wanted = isinstance(outcome, str) if kind.first is NO_ANSWER else outcome == kind.first
        if not as_wanted or view["status"] != kind.status:
            fail(
                sent=sent,
                expected=f"{kind.status} after an attempt with {kind.first}",
                got=f"{view['status']} after {outcome}",
                cause="`verdict` decides which status follows from an attempt",
            )
        found = client.arrived(hook)
        if len(found) != 1:
            fail(sent=sent, expected="one request so far", got=f"{len(found)}")
        check_signed(sent, hook, found[0], view)
        if kind.status == "pending":
            check_next(sent, configured.schedule[1], view)
    if elsewhere := client.sink.deliveries(ELSEWHERE):
        got = f"{len(elsewhere)} requests arrived there"
        fail(sent=f"{SENT} redirects", expected="no request to the other URL", got=got)
    gone = client.endpoint(story.hooks["gone"])
    if "disabled_at" not in gone:
        fail(
            sent=f"{SENT} answers 410",
            expected="the webhook is disabled",
            got=plain({name: value for name, value in gone.items() if "secret" not in name}),
            cause="after 410, nothing more may be sent to this webhook",
        )


def check_next(sent: str, seconds: float, view: View) -> None:
    """The next attempt is planned by the second entry of the schedule."""
    after = time_of(sent, view["attempts"][0]["at"])
    planned = time_of(sent, view["next_attempt_at"])
    waited = (planned - after).total_seconds() if planned and after else None
    if waited is None or not seconds - 1 <= waited <= seconds * 1.2 + DONE_SECONDS:
        fail(
            sent=sent,
            expected=f"the next attempt in {seconds:g} s, or up to a fifth later",
            got=waited,
        )


def test_a_worker_is_killed(story: Story, client: WebhookClient) -> None:
    """A worker is killed during one attempt. Then all pending deliveries become due."""
    hangs = story.hangs
    if not until(lambda: client.arrived(hangs), DONE_SECONDS):
        fail(sent=f"{SENT} never answers", expected="a request", got="none")
    client.worker.kill_pool()
    waiting = [hangs] + [
        story.hooks[name] for name, kind in story.kinds.items() if kind.status == "pending"
    ]
    for hook in waiting:
        view = client.only(hook)
        client.push(view["delivery_id"])
    for hook in waiting:
        what = "never answers" if hook is hangs else story.kinds[hook.name].does
        sent = f"{SENT} {what}; the worker is killed, and the next attempt becomes due"
        [view] = client.settled(sent, hook, 1, "a second recorded attempt", attempted(2))
        check_again(sent, client, hook, view, 2)
        expected = "pending" if hook.name == "dead" else "delivered"
        if view["status"] != expected:
            fail(sent=sent, expected=expected, got=f"{view['status']} after {outcomes(view)}")


def check_again(sent: str, client: WebhookClient, hook: Hook, view: View, count: int) -> None:
    """Every attempt sends the same id and body, with a valid signature."""
    found = client.arrived(hook)
    if len(found) != count:
        fail(sent=sent, expected=f"{count} requests in all", got=f"{len(found)}")
    for one in found:
        check_signed(sent, hook, one, view)
    if len({one.body for one in found}) != 1:
        got = [one.body.decode(errors="replace")[:200] for one in found]
        fail(sent=sent, expected="the same body each time", got=got)


def test_until_the_schedule_is_over(
    story: Story, client: WebhookClient, configured: Configured
) -> None:
    """A receiver that always fails gets as many attempts as the schedule has entries."""
    hook, total = story.hooks["dead"], len(configured.schedule)
    sent = f"{SENT} always answers 503, and all attempts become due"
    view = client.only(hook)
    for count in range(3, total + 1):
        client.push(view["delivery_id"])
        expected = f"attempt {count} recorded"
        [view] = client.settled(sent, hook, 1, expected, attempted(count))
    check_again(sent, client, hook, view, total)
    if view["status"] != "exhausted" or view["next_attempt_at"] is not None:
        got = f"{view['status']}, with the next attempt at {view['next_attempt_at']}"
        fail(sent=sent, expected="exhausted, without a next attempt", got=got)
