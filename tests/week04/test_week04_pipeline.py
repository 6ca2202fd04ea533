"""4.6: a job's whole way, with real workers; what is finished is not run again."""

from __future__ import annotations

import random
import time
from datetime import datetime

import pytest

from autograder.process.student import Student
from bootcamp.providers.faults import Fault
from bootcamp.samples.documents import random_document
from tests.week03.conftest import poll, rows
from tests.week03.test_pipeline_end_to_end import can_be_found
from tests.week04.conftest import LAYERS, QUICK, serving, table

STEPS = ["parse", "chunk", "embed", "index"]


@pytest.mark.parametrize("route", ["/documents", "/documents/upload"])
def test_from_either_route_to_the_right_page(api, route):
    made = random_document(random.Random(route), "pdf", pages=4)
    answer = api.http.post(route, files={"file": (made.name, made.content)})
    job_id = answer.json()["document"]["document_id"]
    job = api.ended(job_id)
    [(chunks,)] = rows(api.run, "SELECT count(*) FROM chunks WHERE document_id = %s", job_id)
    assert job["status"] == "completed"
    assert job["result"] == {"document_id": job_id, "pages": 4, "chunks": chunks}
    assert job["progress"] == {"step": "index", "percent": 100}
    assert job["deliveries"] == 1
    assert [step["name"] for step in job["steps"]] == STEPS
    moments = [step[at] for step in job["steps"] for at in ("started_at", "ended_at")]
    times = [
        datetime.fromisoformat(one) for one in [job["created_at"], *moments, job["finished_at"]]
    ]
    assert times == sorted(times)
    item = api.item(job_id)
    assert {"due_at", "due_shard", "lease_owner", "lease_until"}.isdisjoint(item)
    assert can_be_found(api, made)
    assert api.finished(job_id)["result"] == job["result"], "GET /tasks says the same"


def test_a_failed_job_says_why_and_no_more(api):
    document = b"%PDF-1.4\nthis is none\n%%EOF\n"
    job_id = api.accepted(document, "broken.pdf")
    job = api.ended(job_id)
    assert job["status"] == "failed"
    assert job["error"]["type"] == "damaged_document"
    assert "Traceback" not in str(job)
    assert job["steps"][0]["ended_at"] is None
    assert api.item(job_id)["expires_at"] > time.time()
    api.run.openai.script(Fault.status(500))
    job = api.ended(api.accepted())
    assert (job["status"], job["error"]["type"]) == ("failed", "internal_error")
    assert job["progress"] == {"step": "embed", "percent": 50}


def deliver_again(host, api, folder, job_id: str) -> None:
    """Send the job's message once more, as a broker may."""
    document = api.job(job_id)["document"]
    code = Student(LAYERS, api.run.environment(), folder, host)
    name = "ingest_document.apply_async"
    code.ask("pipeline.tasks.document_pipeline", name, args=[document], task_id=job_id)
    code.stop()


def test_a_finished_job_delivered_again_does_nothing(host, api, tmp_path):
    job_id = api.accepted(b"once and no more %d" % random.getrandbits(64))
    api.ended(job_id)
    item, asked = api.item(job_id), len(api.run.openai.journal())
    line = f"nothing to do for job {job_id}"
    for times in (1, 2):
        deliver_again(host, api, tmp_path, job_id)
        poll(lambda times=times: api.worker_log().count(line) == times or None)  # type: ignore[misc]
    assert api.item(job_id) == item
    assert len(api.run.openai.journal()) == asked
    assert api.finished(job_id)["status"] == "completed"


def test_a_failed_job_delivered_again_does_nothing(host, api, tmp_path):
    job_id = api.accepted(b"%PDF-1.4\nthis is none either\n%%EOF\n", "broken.pdf")
    api.ended(job_id)
    item = api.item(job_id)
    deliver_again(host, api, tmp_path, job_id)
    poll(lambda: f"nothing to do for job {job_id}" in api.worker_log() or None)
    assert api.item(job_id) == item


def cancel(run, job_id: str) -> None:
    """Cancel a job past all code of the pipeline, as week 8's route will."""
    table(run).update_item(
        Key={"id": job_id},
        UpdateExpression="SET #s = :s REMOVE due_at, due_shard, lease_owner, lease_until",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": "cancelled"},
    )


def test_a_job_cancelled_while_it_waits_never_runs(run, tmp_path):
    with serving(run, tmp_path, workers=0, **QUICK) as api:
        ids = [api.accepted(b"cancel me %d" % number) for number in range(3)]
        for job_id in ids[:2]:
            cancel(run, job_id)
        with serving(run, tmp_path / "more", **QUICK) as other:
            assert other.ended(ids[2])["status"] == "completed"
            for job_id in ids[:2]:
                assert api.job(job_id)["status"] == "cancelled"
                assert all(step["started_at"] is None for step in api.job(job_id)["steps"])
        assert len(rows(run, "SELECT 1 FROM documents")) == 1


def test_a_job_cancelled_while_it_runs_goes_no_further(run, tmp_path):
    (tmp_path / "hold-embed").touch()
    with serving(run, tmp_path / "apps", **QUICK, SABOTAGE=str(tmp_path)) as api:
        job_id = api.accepted()
        poll(lambda: api.job(job_id)["progress"]["step"] == "embed" or None)
        cancel(run, job_id)
        (tmp_path / "hold-embed").unlink()
        poll(lambda: "is dropped" in api.worker_log() or None)
        after = api.accepted(b"another one")
        assert api.ended(after)["status"] == "completed"
        assert api.job(job_id)["status"] == "cancelled"
        assert [doc for (doc,) in rows(run, "SELECT document_id FROM documents")] == [after]


def test_tasks_that_are_no_jobs_run_as_ever(host, api, tmp_path):
    api.ended(api.accepted())
    code = Student(LAYERS, api.run.environment(), tmp_path, host)
    before = len(table(api.run).scan()["Items"])
    [task_id] = code.call("pipeline.producer", "enqueue_articles", ["a title"])
    code.stop()
    done = poll(lambda: completed(api, task_id))
    assert done["result"]["title"] == "a title"
    assert f"summarising 'a title' as task {task_id}" in api.worker_log()
    assert len(table(api.run).scan()["Items"]) == before


def completed(api, task_id: str) -> dict | None:
    """What `GET /tasks/{id}` says, once it says completed. Nobody announced this task to it."""
    answer = api.http.get(f"/tasks/{task_id}")
    status = answer.json() if answer.status_code == 200 else {}
    return status if status.get("status") == "completed" else None
