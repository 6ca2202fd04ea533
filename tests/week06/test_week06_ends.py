"""Each of the five ways to end a job sends a webhook within a second, without the outbox."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime
from typing import Any

import pytest

from bootcamp.providers.faults import Fault
from bootcamp.stack.apps import layer_environment, start_worker
from tests.week03.conftest import poll
from tests.week04.conftest import table
from tests.week04.proxy import Proxy
from tests.week06.conftest import LAYERS, QUICK, serving, verified

WITHIN_SECONDS = 3.0
"""A second on an idle machine, and two more where tests run side by side."""
NEVER = "3600"
SLOW: dict[str, Any] = {
    "WEBHOOK_PUBLISH_SECONDS": NEVER,
    "PUBLISH_SECONDS": NEVER,
    "REDRIVE_SECONDS": NEVER,
}
WRITES = 11
"""To DynamoDB, for a document that meets no error, of an owner without webhooks: the row is created,
acquired and handed over; each of four steps begins and ends."""
CANCEL = """
import sys
from typing import Any
from pipeline.lifecycle.ending import cancel
from pipeline.queueing import set_short_waits

set_short_waits()  # as the API does when it starts
cancel(sys.argv[1], "public")
"""


@pytest.fixture(scope="module")
def ends(stack, tmp_path_factory):
    """Apps whose outbox does not find finished jobs in time, because they are due in an hour."""
    folder = tmp_path_factory.mktemp("ends")
    more: dict[str, Any] = {
        "SABOTAGE": str(folder),
        "MAX_ATTEMPTS": "2",
        "BACKOFF_BASE_SECONDS": "0.05",
    }
    with stack.isolated() as run, serving(run, folder / "apps", **SLOW, **more) as api:
        yield api, folder


@pytest.fixture
def hook(ends):
    api, _ = ends
    api.run.webhooks.clear()
    made = api.register()
    yield made
    api.http.delete(f"/webhooks/{made['webhook_id']}")


def sent_in_time(api, hook, job_id: str, event: str) -> None:
    """Return the webhook of a finished job, and how soon after the closing write it arrived."""
    row = poll(lambda: row if (row := api.item(job_id)).get("finished_at") else None)
    [sent] = api.run.webhooks.wait_for(1, 10)
    message = verified(sent, hook["secret"])
    assert (message["type"], message["data"]["job_id"]) == (event, job_id)
    [delivery] = api.deliveries(hook["webhook_id"])
    begun = datetime.fromisoformat(delivery["attempts"][0]["at"]).timestamp()
    assert begun - float(row["finished_at"]) < WITHIN_SECONDS


def test_success(ends, hook):
    api, _ = ends
    sent_in_time(api, hook, api.accepted(b"fine"), "job.completed")


def test_a_permanent_error(ends, hook):
    api, _ = ends
    sent_in_time(api, hook, api.accepted(b"%PDF-1.4\nnone\n%%EOF\n", "a.pdf"), "job.failed")


def test_attempts_used_up(ends, hook):
    api, _ = ends
    api.run.openai.script(Fault.status(503, times=2))
    job_id = api.accepted(b"the provider is away")
    sent_in_time(api, hook, job_id, "job.failed")
    assert api.item(job_id)["dead_letter"]["attempts"] == 2


def test_poison(ends, hook):
    """Write the row of a job that killed too many workers, and publish its next message."""
    api, folder = ends
    (folder / "hold-parse").touch()
    job_id = api.accepted(b"poison")
    poll(lambda: api.job(job_id)["progress"]["step"] == "parse" or None)
    api.apps.workers[0].kill(group=True)
    api.apps.workers[0].wait()
    (folder / "hold-parse").unlink()
    table(api.run).update_item(
        Key={"id": job_id},
        UpdateExpression="SET deliveries = :many, lease_until = :past",
        ExpressionAttributeValues={":many": 50, ":past": 1},
    )
    start_worker(api.apps.workers[0])
    table(api.run).update_item(
        Key={"id": job_id},
        UpdateExpression="SET due_at = :past",
        ExpressionAttributeValues={":past": 1},
    )
    sent_in_time(api, hook, job_id, "job.failed")
    assert api.job(job_id)["error"]["type"] == "poison_job"


def test_a_cancellation_from_another_process_than_a_worker(ends, hook):
    """As a route of the API will do it: the step that runs is dropped, and nothing overwrites it."""
    api, folder = ends
    (folder / "hold-parse").touch()
    job_id = api.accepted(b"to be cancelled")
    poll(lambda: api.job(job_id)["progress"]["step"] == "parse" or None)
    environment = layer_environment({**api.run.environment(), **QUICK, **SLOW}, LAYERS)
    subprocess.run([sys.executable, "-c", CANCEL, job_id], env=environment, check=True, timeout=60)
    sent_in_time(api, hook, job_id, "job.cancelled")
    (folder / "hold-parse").unlink()
    poll(lambda: f"work on job {job_id} is dropped" in api.worker_log() or None)
    assert api.job(job_id)["status"] == "cancelled"
    task = api.http.get(f"/tasks/{job_id}").json()
    assert (task["status"], task["error"]["type"]) == ("failed", "job_cancelled")
    time.sleep(0.2)
    assert len(api.run.webhooks.deliveries()) == 1


def test_the_writes_of_a_clean_document(run, tmp_path):
    with (
        Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy,
        serving(run, tmp_path, AWS_ENDPOINT_URL=proxy.url, **SLOW, LEASE_SECONDS=NEVER) as api,
    ):
        job_id = api.accepted()
        assert api.ended(job_id)["status"] == "completed"
        time.sleep(0.5)
        assert proxy.writes(job_id) == WRITES
