"""All steps of a job in one task: every promise of a step of its own holds."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from redis import Redis

from bootcamp.providers.faults import Fault
from bootcamp.stack.apps import start_worker
from tests.week03.conftest import poll, rows
from tests.week08.running import kill, serving

ON: dict[str, Any] = {"STEPS_IN_ONE_TASK": "true"}
TEXT = "The keeper lit lamp number %d."
STEPS = ("parse", "chunk", "embed", "index")


def embeddings(run, text: str) -> int:
    """How often the provider was asked for a text."""
    return sum(text in " ".join(entry.inputs) for entry in run.openai.journal("embeddings"))


def test_the_row_shows_each_step_and_a_document_needs_seven_writes(run, tmp_path):
    quiet: dict[str, Any] = {
        "LEASE_SECONDS": "60",
        "PUBLISH_SECONDS": "60",
    }  # no write but those of the steps
    with serving(run, tmp_path, **quiet, **ON) as api:
        job = api.ended(api.accepted())
        row = api.item(job["job_id"])
    assert job["status"] == "completed" and job["progress"]["percent"] == 100
    times = [row["steps"][name] for name in STEPS]
    assert all(one["started_at"] <= one["ended_at"] for one in times)
    ends = [one["ended_at"] for one in times]
    assert ends == sorted(ends)
    # created, acquired, four steps begun, completed
    assert row["revision"] == 7 and row["deliveries"] == 1
    assert "lease_owner" not in row and "due_at" not in row


def test_a_step_is_retried_alone_and_a_permanent_error_is_a_dead_letter(run, tmp_path):
    """A retry has a message of its own, and earlier steps do not run again."""
    again, dead, long = (TEXT % n for n in range(3))
    run.openai.script(Fault.status(503, times=2, matching=again))
    run.openai.script(Fault.status(400, times=1, matching=dead))
    with serving(run, tmp_path, **ON) as api:
        job = api.ended(api.accepted(again.encode()))
        row = api.item(job["job_id"])
        assert job["status"] == "completed" and row["failures"]["embed"]["count"] == 2
        assert embeddings(run, again) == 3 and row["deliveries"] == 1
        failed = api.ended(api.accepted(dead.encode()))
        assert failed["status"] == "failed" and embeddings(run, dead) == 1
        letter = poll(lambda: api.http.get("/dead-letters").json()["dead_letters"] or None)[0]
        assert letter["job_id"] == failed["job_id"] and letter["step"] == "embed"
        assert api.replay(failed["job_id"]).status_code == 202
        poll(lambda: api.job(failed["job_id"])["status"] == "completed" or None)
    with serving(run, tmp_path / "row", BROKER_WAIT_SECONDS="0", **ON) as api:
        run.openai.script(Fault.status(503, times=1, matching=long))
        job = api.ended(api.accepted(long.encode()))  # the row keeps the delay
        assert job["status"] == "completed" and embeddings(run, long) == 2


def test_a_killed_worker_and_lost_messages_lose_and_double_nothing(run, tmp_path):
    (tmp_path / "sabotage").mkdir()
    more: dict[str, Any] = {"SABOTAGE": str(tmp_path / "sabotage"), "REDRIVE_SECONDS": "2", **ON}
    with serving(run, tmp_path, **more) as api:
        worker = api.apps.workers[0]
        hook = api.register()
        (tmp_path / "sabotage/hold-index").touch()
        text = TEXT % 7
        killed = api.accepted(text.encode())
        poll(lambda: api.job(killed)["progress"]["step"] == "index" or None)
        kill(worker)
        (tmp_path / "sabotage/hold-index").unlink()
        with Redis.from_url(f"{run.redis_url}/0") as broker:
            broker.flushall()
        start_worker(worker)
        job = api.ended(killed)
        assert job["status"] == "completed" and job["deliveries"] == 2
        assert embeddings(run, text) == 1, "the artifact of the first run was not used"
        assert len(rows(run, "SELECT 1 FROM documents")) == 1
        assert len(rows(run, "SELECT 1 FROM chunks")) == 1
        poll(lambda: api.deliveries(hook["webhook_id"]) or None)
        assert len({one["delivery_id"] for one in api.deliveries(hook["webhook_id"])}) == 1


def test_a_cancelled_job_stops_between_and_within_its_steps(run, tmp_path):
    (tmp_path / "sabotage").mkdir()
    with serving(run, tmp_path, SABOTAGE=str(tmp_path / "sabotage"), **ON) as api:
        (tmp_path / "sabotage/hold-chunk").touch()
        text = TEXT % 9
        job_id = api.accepted(text.encode())
        poll(lambda: api.job(job_id)["progress"]["step"] == "chunk" or None)
        assert api.cancel(job_id).status_code in (200, 202)
        (tmp_path / "sabotage/hold-chunk").unlink()
        other = api.ended(api.accepted(b"The next document."))
        assert other["status"] == "completed"
        time.sleep(1.0)
        assert api.job(job_id)["status"] == "cancelled"
    assert embeddings(run, text) == 0
    assert len(rows(run, "SELECT 1 FROM documents")) == 1


def test_a_step_that_waits_for_the_rate_limit_gives_up_its_slot(run, tmp_path):
    rate: dict[str, Any] = {"PROVIDER_REQUESTS_PER_SECOND": "2", "PROVIDER_BURST": "1"}
    with serving(run, tmp_path, WORKER_CONCURRENCY="1", **rate, **ON) as api:
        jobs = [api.accepted((TEXT % n).encode()) for n in range(20, 26)]
        poll(lambda: any("waiting" in api.item(job) for job in jobs) or None)
        for job in jobs:
            assert api.ended(job)["status"] == "completed"
            assert api.item(job)["deliveries"] == 1
    starts = sorted(entry.started for entry in run.openai.journal("embeddings"))
    assert len(starts) == 6 and starts[-1] - starts[0] > 1.5


def test_the_index_is_built_after_a_bulk_load(run, tmp_path):
    """In between, searches are right. The build is repeated where it was interrupted."""
    with serving(run, tmp_path, **ON) as api, psycopg.connect(run.database_url) as database:
        database.autocommit = True

        def valid() -> list[bool]:
            statement = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
            return [row[0] for row in database.execute(statement, ["chunks_embedding"])]

        assert valid() == [True]
        for _ in range(2):
            api.apps.run("bulk_load", "pipeline.bulk_load", "begin")
            assert valid() == []
        job = api.ended(api.accepted(b"The lighthouse has a green lamp."))
        assert job["status"] == "completed"
        found = api.http.get("/search", params={"q": "green lamp"}).json()["results"]
        assert found[0]["document_id"] == job["job_id"]
        before = database.execute("SELECT pg_get_indexdef(indexrelid) FROM pg_index").fetchall()
        for _ in range(2):
            api.apps.run("bulk_load", "pipeline.bulk_load", "end")
            assert valid() == [True]
        after = database.execute("SELECT pg_get_indexdef(indexrelid) FROM pg_index").fetchall()
        [(made,)] = set(after) - set(before)
        assert made.endswith("USING hnsw (embedding vector_cosine_ops)")
