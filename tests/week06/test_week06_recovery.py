"""The receiver is notified, whatever fails between the end of a job and the receiver's response."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from bootcamp.providers.faults import Fault
from bootcamp.stack.apps import start_worker
from tests.week03.conftest import poll
from tests.week04.conftest import table
from tests.week06.conftest import serving, verified

BROKEN = b"%PDF-1.4\nthis is none\n%%EOF\n"


@pytest.fixture(scope="module")
def sabotaged(stack, tmp_path_factory):
    """Apps whose worker can be killed at certain places. Gives them and the folder of orders."""
    folder = tmp_path_factory.mktemp("sabotage")
    more: dict[str, Any] = {
        "SABOTAGE": str(folder),
        "MAX_ATTEMPTS": "1",
        "WEBHOOK_SCHEDULE": "0" + ",0.3" * 9,
    }
    with stack.isolated() as run, serving(run, folder / "apps", **more) as api:
        yield api, folder


@pytest.fixture
def hook(sabotaged):
    """A webhook for this test only. The sink has deleted earlier requests."""
    api, _ = sabotaged
    api.run.webhooks.clear()
    made = api.register()
    yield made
    api.http.delete(f"/webhooks/{made['webhook_id']}")


@pytest.mark.parametrize(
    ("where", "content", "event"),
    [("untold", b"fine", "job.completed"), ("untold", BROKEN, "job.failed")],
    ids=["completed", "failed"],
)
def test_a_worker_that_dies_when_the_job_has_ended_is_made_up_for(
    sabotaged, hook, where, content, event
):
    api, folder = sabotaged
    (folder / f"kill-{where}").touch()
    job_id = api.accepted(content, "broken.pdf" if event == "job.failed" else "fine.txt")
    [sent] = api.run.webhooks.wait_for(1, 30)
    assert not (folder / f"kill-{where}").exists()
    message = verified(sent, hook["secret"])
    assert (message["type"], message["data"]["job_id"]) == (event, job_id)
    api.settled(hook["webhook_id"], "delivered")
    assert len(api.run.webhooks.deliveries()) == 1


@pytest.mark.parametrize(("where", "sent"), [("unsent", 1), ("unrecorded", 2)])
def test_a_worker_that_dies_in_an_attempt_costs_an_attempt(sabotaged, hook, where, sent):
    """What was sent already is sent again, and the receiver recognises it by the id."""
    api, folder = sabotaged
    (folder / f"kill-{where}").touch()
    api.accepted()
    delivery = api.settled(hook["webhook_id"], "delivered")
    found = api.run.webhooks.deliveries()
    assert len(found) == sent
    assert {one.header("webhook-id") for one in found} == {delivery["delivery_id"]}
    first, second = delivery["attempts"]
    assert (first["status"], first["error"]) == (None, None)
    assert second["status"] == 204


def test_all_processes_stopped_between_two_attempts(run, tmp_path):
    slow: dict[str, Any] = {"WEBHOOK_SCHEDULE": "0,3,1,1,1"}
    with serving(run, tmp_path / "one", **slow) as api:
        hook = api.register()
        run.webhooks.script(Fault.status(500))
        api.accepted()
        poll(lambda: attempts_of(api, hook) or None)
    with serving(run, tmp_path / "two", **slow) as api:
        delivery = api.settled(hook["webhook_id"], "delivered")
        assert [one["status"] for one in delivery["attempts"]] == [500, 204]
        assert len({one.header("webhook-id") for one in run.webhooks.deliveries()}) == 1


def attempts_of(api, hook):
    return [
        one
        for delivery in api.deliveries(hook["webhook_id"])
        for one in delivery["attempts"]
        if one["status"]
    ]


def test_redis_that_is_gone_when_a_job_ends_and_comes_back_empty(run, tmp_path):
    """The end of the job and the delivery are rows, so messages and workers may be lost."""
    (tmp_path / "hold-untold").touch()
    with serving(run, tmp_path / "apps", SABOTAGE=str(tmp_path)) as api:
        hook = api.register()
        job_id = api.accepted()
        poll(lambda: (tmp_path / "untold").exists() or None)
        run.redis.stop()
        (tmp_path / "hold-untold").unlink()
        poll(lambda: "is left to the outbox" in api.worker_log() or None)
        assert api.job(job_id)["status"] == "completed"
        assert run.webhooks.deliveries() == []
        node = api.apps.workers[0]
        node.kill(group=True)
        node.wait()
        run.redis.start()
        redis.Redis.from_url(f"{run.redis_url}/0").flushall()
        start_worker(node)
        delivery = api.settled(hook["webhook_id"], "delivered")
        assert [one["status"] for one in delivery["attempts"]] == [204]


def test_a_receiver_that_flaps_is_told_of_every_job_once_it_answers(sabotaged, hook):
    api, _ = sabotaged
    for _ in range(4):
        api.run.webhooks.script(Fault.status(500), Fault.drop(), Fault.passing())
    jobs = {api.accepted(b"number %d" % number) for number in range(4)}
    poll(lambda: all_delivered(api, hook, 4))
    found = api.run.webhooks.deliveries()
    good = [one for one in found if one.status == 204]
    assert {verified(one, hook["secret"])["data"]["job_id"] for one in good} == jobs
    assert len(good) == 4
    assert len({key_of(one) for one in found}) == 4


def key_of(sent):
    return sent.header("webhook-id")


def all_delivered(api, hook, count):
    found = api.deliveries(hook["webhook_id"])
    return (
        True if len(found) == count and all(one["status"] == "delivered" for one in found) else None
    )


def test_a_replayed_job_that_ends_again_is_another_event(sabotaged, hook):
    api, _ = sabotaged
    api.run.openai.script(Fault.status(400))
    job_id = api.accepted(b"to be replayed")
    assert api.ended(job_id)["status"] == "failed"
    api.run.webhooks.wait_for(1, 30)
    assert api.http.post(f"/dead-letters/{job_id}/replay").status_code == 202
    found = api.run.webhooks.wait_for(2, 30)
    messages = [verified(one, hook["secret"]) for one in found]
    assert [one["type"] for one in messages] == ["job.failed", "job.completed"]
    assert {one["data"]["job_id"] for one in messages} == {job_id}
    assert len({key_of(one) for one in found}) == 2


def test_a_poison_job_is_told_too(sabotaged, hook):
    """A poison job fails when it is taken too often, outside of any step."""
    api, folder = sabotaged
    (folder / "hold-parse").touch()
    job_id = api.accepted(b"poison")
    poll(lambda: api.job(job_id)["progress"]["step"] == "parse" or None)
    table(api.run).update_item(
        Key={"id": job_id},
        UpdateExpression="SET deliveries = :many",
        ExpressionAttributeValues={":many": 50},
    )
    api.apps.workers[0].kill(group=True)
    api.apps.workers[0].wait()
    (folder / "hold-parse").unlink()
    start_worker(api.apps.workers[0])
    api.settled(hook["webhook_id"], "delivered")
    [sent] = api.run.webhooks.deliveries()
    message = verified(sent, hook["secret"])
    assert (message["type"], message["data"]["job_id"]) == ("job.failed", job_id)
    assert message["data"]["error"]["type"] == "poison_job"


def test_a_node_that_is_killed_with_its_messages(sabotaged, hook):
    api, _ = sabotaged
    api.run.webhooks.script(Fault.timeout(times=None))
    api.accepted()
    poll(lambda: api.run.webhooks.deliveries() or None)
    node = api.apps.workers[0]
    node.kill(group=True)
    node.wait()
    api.run.webhooks.clear()
    start_worker(node)
    delivery = api.settled(hook["webhook_id"], "delivered")
    [sent] = api.run.webhooks.deliveries()
    assert sent.header("webhook-id") == delivery["delivery_id"]
