"""The end of a job is reported by signed webhooks, which are retried with the same id."""

from __future__ import annotations

import itertools
import json
import time
from datetime import datetime

import pytest

from bootcamp.providers.faults import Fault
from tests.week03.conftest import poll
from tests.week06.conftest import verified

BROKEN = b"%PDF-1.4\nthis is none\n%%EOF\n"
numbers = itertools.count()


@pytest.fixture
def hook(api):
    """`hook(events=[…])` registers a webhook at a name of its own. It is deleted after the test."""
    made = []

    def register(**more):
        name = f"hook{next(numbers)}"
        made.append(api.register(api.run.webhooks.url(name), **more) | {"name": name})
        return made[-1]

    yield register
    for one in made:
        api.http.delete(f"/webhooks/{one['webhook_id']}")


def arrived(api, hook, count=1):
    found = api.run.webhooks.wait_for(count, 30, hook["name"])
    assert len(found) >= count, found
    return found


def ids(found):
    return {one.header("webhook-id") for one in found}


def test_a_completed_job_is_told_signed(api, hook):
    there = hook()
    job_id = api.accepted()
    delivery = api.settled(there["webhook_id"], "delivered")
    [sent] = arrived(api, there)
    message = verified(sent, there["secret"])
    job = api.job(job_id)
    assert set(message) == {"type", "timestamp", "data"}
    assert message["type"] == "job.completed"
    assert datetime.fromisoformat(message["timestamp"]) == datetime.fromisoformat(
        job["finished_at"]
    )
    data = message["data"]
    assert (data["job_id"], data["status"], data["error"]) == (job_id, "completed", None)
    assert data["document"] == {"filename": "keeper.txt", "content_type": "text/plain"}
    assert data["result"] == job["result"]
    assert sent.method == "POST"
    assert sent.header("content-type") == "application/json"
    assert sent.header("webhook-id") == delivery["delivery_id"]
    [attempt] = delivery["attempts"]
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, 204, None)
    assert delivery["next_attempt_at"] is None


def test_a_failed_job_is_told_with_its_reason_and_nothing_of_ours(api, hook):
    there = hook()
    job_id = api.accepted(BROKEN, "broken.pdf")
    api.settled(there["webhook_id"], "delivered")
    [sent] = arrived(api, there)
    message = verified(sent, there["secret"])
    assert message["type"] == "job.failed"
    assert message["data"]["error"] == api.job(job_id)["error"]
    for word in (b"Traceback", b"uploads/", b"/tmp", b"lease", b"worker", b"write_id"):
        assert word not in sent.body


def test_only_the_events_that_were_asked_for(api, hook):
    completed, failed = hook(events=["job.completed"]), hook(events=["job.failed"])
    good, bad = api.accepted(), api.accepted(BROKEN, "broken.pdf")
    api.settled(completed["webhook_id"], "delivered")
    api.settled(failed["webhook_id"], "delivered")
    assert [one["job_id"] for one in api.deliveries(completed["webhook_id"])] == [good]
    assert [one["job_id"] for one in api.deliveries(failed["webhook_id"])] == [bad]


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        (Fault.status(500), 500, None),
        (Fault.status(404), 404, None),
        (Fault.drop(), None, "no_http"),
        (Fault.timeout(), None, "timeout"),
        (Fault.slow(3), None, "timeout"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_receiver_that_fails_is_tried_again_with_the_same_id(api, hook, fault, status, error):
    there = hook()
    api.run.webhooks.script(Fault(**{**vars_of(fault), "times": 2, "on": there["name"]}))
    api.accepted()
    delivery = api.settled(there["webhook_id"], "delivered")
    found = arrived(api, there, 3)
    assert len(found) == 3
    assert ids(found) == {delivery["delivery_id"]}
    assert len({one.body for one in found}) == 1
    for one in found:
        verified(one, there["secret"])
    outcomes = [(one["status"], one["error"]) for one in delivery["attempts"]]
    assert outcomes == [(status, error), (status, error), (204, None)]
    assert [one["number"] for one in delivery["attempts"]] == [1, 2, 3]
    for before, after in itertools.pairwise(found):
        assert after.started - before.started >= 0.3


def vars_of(fault):
    return {name: getattr(fault, name) for name in fault.__slots__}


def test_after_the_last_attempt_it_is_exhausted(api, hook):
    there = hook()
    api.run.webhooks.script(Fault.status(503, times=None, on=there["name"]))
    api.accepted()
    delivery = api.settled(there["webhook_id"], "exhausted")
    assert [one["status"] for one in delivery["attempts"]] == [503] * 4
    assert delivery["next_attempt_at"] is None
    time.sleep(1)
    assert len(arrived(api, there)) == 4


def test_410_ends_it_and_disables_the_endpoint(api, hook):
    there = hook()
    api.run.webhooks.script(Fault.status(410, on=there["name"]))
    api.accepted()
    api.settled(there["webhook_id"], "discarded")
    listed = poll(lambda: disabled(api, there))
    assert listed["disabled_because"] == "gone"
    api.ended(api.accepted())
    assert len(api.deliveries(there["webhook_id"])) == 1, "a disabled webhook was told"
    [delivery] = api.deliveries(there["webhook_id"])
    assert api.resend(delivery["delivery_id"]).status_code == 409
    answer = api.http.post(f"/webhooks/{there['webhook_id']}/enable")
    assert answer.json()["enabled"] is True
    assert api.resend(delivery["delivery_id"]).status_code == 202
    api.settled(there["webhook_id"], "delivered")
    assert len(ids(arrived(api, there, 2))) == 1


def disabled(api, hook):
    for one in api.http.get("/webhooks").json()["webhooks"]:
        if one["webhook_id"] == hook["webhook_id"] and not one["enabled"]:
            return one
    return None


def test_a_redirect_is_a_failure_and_is_not_followed(api, hook):
    there, elsewhere = hook(), f"elsewhere{next(numbers)}"
    to = {"location": api.run.webhooks.url(elsewhere)}
    for status in (301, 302, 307, 308):
        api.run.webhooks.script(Fault.status(status, headers=to, on=there["name"]))
    api.accepted()
    delivery = api.settled(there["webhook_id"], "exhausted")
    assert [one["status"] for one in delivery["attempts"]] == [301, 302, 307, 308]
    assert api.run.webhooks.deliveries(elsewhere) == []


@pytest.mark.parametrize("fault", ["endless", "slow_body"])
def test_the_status_decides_whatever_the_body_does(api, hook, fault):
    there = hook()
    scripted = {"endless": Fault.endless(on=there["name"])}
    scripted["slow_body"] = Fault.slow_body(60, on=there["name"])
    api.run.webhooks.script(scripted[fault])
    api.accepted()
    delivery = api.settled(there["webhook_id"], "delivered")
    assert len(delivery["attempts"]) == 1
    assert delivery["attempts"][0]["seconds"] < 30
    assert len(delivery["attempts"][0]["answer"]) <= 200


def test_retry_after_is_a_lower_bound(api, hook):
    there = hook()
    api.run.webhooks.script(Fault.status(503, retry_after=2, on=there["name"]))
    api.accepted()
    api.settled(there["webhook_id"], "delivered")
    first, second = arrived(api, there, 2)
    assert second.started - first.started >= 2


def test_sent_again_by_hand_with_the_same_id(api, hook):
    there = hook()
    api.accepted()
    delivery = api.settled(there["webhook_id"], "delivered")
    answer = api.resend(delivery["delivery_id"])
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    found = arrived(api, there, 2)
    assert ids(found) == {delivery["delivery_id"]}
    assert found[0].body == found[1].body
    verified(found[1], there["secret"])
    poll(lambda: api.deliveries(there["webhook_id"])[0]["status"] == "delivered" or None)
    [now] = api.deliveries(there["webhook_id"])
    assert [one["number"] for one in now["attempts"]] == [1, 2]


def test_an_exhausted_delivery_sent_again_has_its_schedule_again(api, hook):
    there = hook()
    api.run.webhooks.script(Fault.status(500, times=6, on=there["name"]))
    api.accepted()
    delivery = api.settled(there["webhook_id"], "exhausted")
    api.resend(delivery["delivery_id"])
    after = api.settled(there["webhook_id"], "delivered")
    assert [one["status"] for one in after["attempts"]] == [500] * 6 + [204]


def test_two_secrets_sign_while_one_replaces_the_other(api, hook):
    there = hook()
    answer = api.http.post(f"/webhooks/{there['webhook_id']}/rotate")
    new = answer.json()
    assert answer.status_code == 200
    assert new["secret"] != there["secret"]
    assert new["old_secret_until"] is not None
    api.accepted()
    api.settled(there["webhook_id"], "delivered")
    [sent] = arrived(api, there)
    assert len(sent.header("webhook-signature").split()) == 2
    verified(sent, new["secret"])
    verified(sent, there["secret"])


def test_each_endpoint_has_its_secret_and_its_id(api, hook):
    one, two = hook(), hook()
    api.accepted()
    for there in (one, two):
        api.settled(there["webhook_id"], "delivered")
    [first], [second] = arrived(api, one), arrived(api, two)
    verified(first, one["secret"])
    verified(second, two["secret"])
    assert len(ids([first, second])) == 2
    assert json.loads(first.body) == json.loads(second.body)


def test_a_deleted_endpoint_hears_no_more(api, hook):
    there = hook()
    api.run.webhooks.script(Fault.status(503, retry_after=1.5, times=None, on=there["name"]))
    job_id = api.accepted()
    arrived(api, there)
    assert api.http.delete(f"/webhooks/{there['webhook_id']}").status_code == 204
    delivery = poll(lambda: ended_delivery(job_id, api))
    assert delivery["status"] == "discarded"
    assert len(arrived(api, there)) == 1
    assert api.http.get(f"/webhooks/{there['webhook_id']}/deliveries").status_code == 404
    assert api.resend(delivery["id"].removeprefix("delivery#")).status_code == 404


def ended_delivery(job_id, api):
    from tests.week04.conftest import table

    for item in table(api.run).scan()["Items"]:
        if item.get("job_id") == job_id and item["id"].startswith("delivery#"):
            return item if item["status"] != "pending" else None
    return None


def test_a_finished_job_that_was_told_is_due_no_more(api, hook):
    hook()
    job_id = api.accepted()
    api.ended(job_id)
    poll(lambda: "due_at" not in api.item(job_id) or None)
    assert "expires_at" in api.item(job_id)


def test_webhooks_are_no_jobs(api, hook):
    hook()
    job_id = api.accepted()
    api.ended(job_id)
    listed = api.http.get("/jobs", params={"limit": 100}).json()["jobs"]
    assert job_id in {one["job_id"] for one in listed}
    assert all(one["document"]["filename"] for one in listed)
