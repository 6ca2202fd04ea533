"""6.3 with a real worker: receivers of all kinds, a worker that is killed, and what is on record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from autograder.sdk import Fault, Session, fail, until
from autograder.sdk.answers import plain
from autograder.sdk.submitting import text
from autograder.sdk.uploading import accepted, upload
from autograder.week06_webhooks.conftest import Place
from autograder.week06_webhooks.office import (
    DONE_SECONDS,
    Hook,
    Office,
    View,
    check_signed,
    outcomes,
    time_of,
)

pytestmark = pytest.mark.item("6.3")

BROKEN = b"%PDF-1.4\nthis is none\n%%EOF\n"
ELSEWHERE = "elsewhere"
NO_ANSWER = "an error"
SENT = "a document's job is completed; its receiver"


@dataclass(frozen=True)
class Receiver:
    """How a receiver behaves, and what must become of its delivery."""

    does: str
    fault: Fault | None
    first: Any
    """The outcome of the first attempt: a status, or NO_ANSWER."""
    status: str
    """The delivery's status after that."""


def receivers(office: Office) -> dict[str, Receiver]:
    """By their names in the sink."""
    away = {"location": office.sink.url(ELSEWHERE)}
    return {
        "down": Receiver("answers 500 once", Fault.status(500), 500, "pending"),
        "dead": Receiver("answers 503 for ever", Fault.status(503, times=None), 503, "pending"),
        "drops": Receiver("closes the connection", Fault.drop(), NO_ANSWER, "pending"),
        "moved": Receiver(
            "redirects (307)", Fault.status(307, headers=away), 307, "pending"
        ),
        "found": Receiver("redirects (302)", Fault.status(302, headers=away), 302, "pending"),
        "gone": Receiver("answers 410", Fault.status(410), 410, "discarded"),
        "endless": Receiver("sends a body without end", Fault.endless(), 200, "delivered"),
    }  # fmt: skip


@dataclass(frozen=True)
class Story:
    """Two jobs that ended, and all who wanted to know."""

    kinds: dict[str, Receiver]
    hooks: dict[str, Hook]
    both: Hook
    """Wants to hear of both."""
    hangs: Hook
    """Does not answer."""
    completed: str
    failed: str


@pytest.fixture(scope="session")
def story(office: Office, session: Session) -> Story:
    """Webhooks are registered, then one document is read, and another cannot be."""
    kinds = receivers(office)
    only = {"events": ["job.completed"]}
    hooks = {name: office.register(name, **only) for name in kinds}
    both, hangs = office.register("both"), office.register("hangs", **only)
    for name, kind in kinds.items():
        assert kind.fault is not None
        office.sink.script(on(kind.fault, name))
    office.sink.script(Fault.timeout(on="hangs"))
    rng = session.random("documents")
    ids = [
        accepted(office.api, upload(office.api, content, name), "an upload").task_id
        for content, name in ((text(rng), "keeper.txt"), (BROKEN, "broken.pdf"))
    ]
    return Story(kinds, hooks, both, hangs, *ids)


def on(fault: Fault, name: str) -> Fault:
    return Fault.from_json({**fault.to_json(), "on": name})


def attempted(times: int) -> Any:
    """So many attempts have come to an end."""
    return lambda view: len(view["attempts"]) == times and outcomes(view)[-1] is not None


def test_both_ends_are_told(story: Story, office: Office) -> None:
    """A completed job and a failed one, each signed, each once."""
    sent = "one document that is read, and one that cannot be"
    delivered = lambda view: view["status"] == "delivered"  # noqa: E731
    views = office.settled(sent, story.both, 2, "two deliveries, delivered", delivered)
    found = office.arrived(story.both)
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
    """Event and job of a webhook's body."""
    try:
        message = json.loads(body)
        return {message["type"]: message["data"]["job_id"]}
    except (ValueError, TypeError, KeyError):
        fail(
            sent=sent,
            expected="JSON with type, timestamp and data",
            got=body.decode(errors="replace"),
        )


def test_what_the_first_attempt_comes_to(story: Story, office: Office, place: Place) -> None:
    for name, kind in story.kinds.items():
        hook, sent = story.hooks[name], f"{SENT} {kind.does}"
        [view] = office.settled(sent, hook, 1, "one attempt, on record", attempted(1))
        [outcome] = outcomes(view)
        as_wanted = isinstance(outcome, str) if kind.first is NO_ANSWER else outcome == kind.first
        if not as_wanted or view["status"] != kind.status:
            fail(
                sent=sent,
                expected=f"{kind.status}, after an attempt with {kind.first}",
                got=f"{view['status']}, after {outcome}",
                cause="`verdict` decides what an attempt means",
            )
        found = office.arrived(hook)
        if len(found) != 1:
            fail(sent=sent, expected="one request so far", got=f"{len(found)}")
        check_signed(sent, hook, found[0], view)
        if kind.status == "pending":
            check_next(sent, place.schedule[1], view)
    if elsewhere := office.sink.deliveries(ELSEWHERE):
        got = f"{len(elsewhere)} requests arrived there"
        fail(sent=f"{SENT} redirects", expected="nobody goes there", got=got)
    gone = office.endpoint(story.hooks["gone"])
    if "disabled_at" not in gone:
        fail(
            sent=f"{SENT} answers 410",
            expected="the webhook is disabled",
            got=plain({name: value for name, value in gone.items() if "secret" not in name}),
            cause="after 410 nothing is sent there any more",
        )


def check_next(sent: str, seconds: float, view: View) -> None:
    """It is told when the next attempt comes, by the second entry of the schedule."""
    after = time_of(sent, view["attempts"][0]["at"])
    planned = time_of(sent, view["next_attempt_at"])
    waited = (planned - after).total_seconds() if planned and after else None
    if waited is None or not seconds - 1 <= waited <= seconds * 1.2 + DONE_SECONDS:
        fail(sent=sent, expected=f"the next attempt in {seconds:g} s, or a fifth more", got=waited)


def test_a_worker_is_killed(story: Story, office: Office) -> None:
    """In the middle of one attempt, and between two of the others. Then hours go by."""
    hangs = story.hangs
    if not until(lambda: office.arrived(hangs), DONE_SECONDS):
        fail(sent=f"{SENT} never answers", expected="a request", got="none")
    office.worker.kill_pool()
    waiting = [hangs] + [
        story.hooks[name] for name, kind in story.kinds.items() if kind.status == "pending"
    ]
    for hook in waiting:
        view = office.only(hook)
        office.push(view["delivery_id"])
    for hook in waiting:
        what = "never answers" if hook is hangs else story.kinds[hook.name].does
        sent = f"{SENT} {what}; the worker is killed, and hours go by"
        [view] = office.settled(sent, hook, 1, "a second attempt, on record", attempted(2))
        check_again(sent, office, hook, view, 2)
        expected = "pending" if hook.name == "dead" else "delivered"
        if view["status"] != expected:
            fail(sent=sent, expected=expected, got=f"{view['status']}, after {outcomes(view)}")


def check_again(sent: str, office: Office, hook: Hook, view: View, count: int) -> None:
    """The same message in every attempt, signed each time."""
    found = office.arrived(hook)
    if len(found) != count:
        fail(sent=sent, expected=f"{count} requests in all", got=f"{len(found)}")
    for one in found:
        check_signed(sent, hook, one, view)
    if len({one.body for one in found}) != 1:
        got = [one.body.decode(errors="replace")[:200] for one in found]
        fail(sent=sent, expected="the same body each time", got=got)


def test_until_the_schedule_is_over(story: Story, office: Office, place: Place) -> None:
    """A receiver that never comes back gets as many attempts as the schedule has entries."""
    hook, total = story.hooks["dead"], len(place.schedule)
    sent = f"{SENT} answers 503 for ever, and days go by"
    view = office.only(hook)
    for count in range(3, total + 1):
        office.push(view["delivery_id"])
        expected = f"attempt {count}, on record"
        [view] = office.settled(sent, hook, 1, expected, attempted(count))
    check_again(sent, office, hook, view, total)
    if view["status"] != "exhausted" or view["next_attempt_at"] is not None:
        got = f"{view['status']}, next attempt {view['next_attempt_at']}"
        fail(sent=sent, expected="exhausted, and no next attempt", got=got)
