"""A job ends, and who wants to know is told: signed, once more after a failure, always the same id."""

from __future__ import annotations

from tests.week06.conftest import verified


def test_a_finished_job_is_told_signed(api):
    hook = api.register()
    job_id = api.accepted()
    api.settled(hook["webhook_id"], "delivered")
    [sent] = api.run.webhooks.deliveries()
    message = verified(sent, hook["secret"])
    assert message["type"] == "job.completed"
    assert message["data"]["job_id"] == job_id
