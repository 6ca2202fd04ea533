"""8.2 with real workers: Beat drives what the API's thread drove until week 7."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import redis

from bootcamp.providers.faults import Fault
from bootcamp.stack.apps import layer_environment, start_worker
from bootcamp.stack.process import Process
from tests.week03.conftest import poll, rows
from tests.week08.conftest import LAYERS
from tests.week08.running import QUICK, kill, log_of, serving


def queue(run) -> redis.Redis:
    return redis.Redis.from_url(f"{run.redis_url}/0")


def test_lost_messages_dead_workers_and_redis_away(run, tmp_path):
    """One stack for the ways in which work is lost: each job is completed."""
    (tmp_path / "sabotage").mkdir()
    with serving(run, tmp_path, SABOTAGE=str(tmp_path / "sabotage"), REDRIVE_SECONDS="2") as api:
        worker = api.apps.workers[0]
        worker.stop()
        flushed = [api.accepted(b"flushed %d" % n) for n in range(3)]
        queue(run).flushall()
        run.redis.stop()
        away = [api.accepted(b"away %d" % n) for n in range(2)]
        run.redis.start()
        start_worker(worker)
        for job_id in flushed + away:
            assert api.ended(job_id)["status"] == "completed"
        (tmp_path / "sabotage/hold-chunk").touch()
        killed = api.accepted(b"killed")
        poll(lambda: api.job(killed)["progress"]["step"] == "chunk" or None)
        kill(worker)
        (tmp_path / "sabotage/hold-chunk").unlink()
        start_worker(worker)
        job = api.ended(killed)
        assert job["status"] == "completed"
        assert job["deliveries"] >= 2
        assert len(rows(run, "SELECT 1 FROM documents")) == 6


def test_retries_replay_and_webhooks_without_the_thread_of_the_api(run, tmp_path):
    """Weeks 5 and 6: long waits on the row, the replay of all, and a failed delivery go on."""
    with serving(run, tmp_path, BROKER_WAIT_SECONDS="0", MAX_ATTEMPTS="2") as api:
        hook = api.register()
        run.webhooks.script(Fault.status(500, times=1))
        text = "The keeper lit one lamp."
        run.openai.script(Fault.status(503, times=1, matching=text))
        assert api.ended(api.accepted(text.encode()))["status"] == "completed"
        dead = "The keeper lit two lamps."
        run.openai.script(Fault.status(503, times=2, matching=dead))
        job_id = api.accepted(dead.encode())
        assert api.ended(job_id)["status"] == "failed"
        poll(lambda: api.http.get("/dead-letters").json()["dead_letters"] or None)
        assert api.http.post("/dead-letters/replay").json()["replayed"] == 1
        poll(lambda: api.job(job_id)["status"] == "completed" or None)
        poll(
            lambda: (
                {d["status"] for d in api.deliveries(hook["webhook_id"])} == {"delivered"} or None
            )
        )
        assert "outbox" not in log_of(api, "api")


def standby(run, folder: Path) -> Process:
    """A second Beat, as on another machine: with a schedule file of its own."""
    folder.mkdir()
    words = ["celery", "-A", "pipeline.tasks.schedule", "beat", "--loglevel", "INFO"]
    words += ["--schedule", str(folder / "schedule"), "--pidfile", ""]
    env = layer_environment({**run.environment(), **QUICK}, LAYERS)
    return Process(
        [sys.executable, "-m", *words], env=env, log=folder / "beat.log", name="standby", cwd=folder
    )


def test_two_beats_send_as_one_and_the_second_takes_over(run, tmp_path):
    """A standby sends nothing while the first lives, and sends once the first has ended."""
    with serving(run, tmp_path / "apps", workers=0) as api, standby(run, tmp_path / "b") as other:
        first = api.apps.beat
        assert first is not None
        poll(lambda: "This Beat waits" in other.logs() or None)
        time.sleep(1.5)  # longer than the lock lasts
        assert "Sending due task" not in other.logs()
        assert "This Beat has the lock and sends" in first.logs()
        first.stop()
        poll(lambda: "Sending due task pipeline.sweep" in other.logs() or None, 10)
        job_id = api.accepted()
        with serving(run, tmp_path / "more") as more:
            assert more.ended(job_id)["status"] == "completed"
