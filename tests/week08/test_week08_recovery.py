"""8.2 with real workers: Beat drives what the API's thread drove until week 7."""

from __future__ import annotations

import signal
import time

import redis

from bootcamp.providers.faults import Fault
from bootcamp.stack.apps import start_worker
from tests.week03.conftest import poll, rows
from tests.week08.running import log_of, serving


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
        poll(lambda: "chunk" in api.job(killed)["step"] or None if api.job(killed)["step"] else None)
        worker.kill(signal.SIGKILL) if hasattr(worker, "kill") else worker.stop()
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
        run.webhooks.script(Fault.status(500, times=1)) if hasattr(run.webhooks, "script") else None
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
        poll(lambda: {d["status"] for d in api.deliveries(hook["id"])} == {"delivered"} or None)
        assert "outbox" not in log_of(api, "api")


def test_two_beats_send_as_one_and_the_second_takes_over(run, tmp_path):
    """A standby sends nothing while the first lives, and everything after it was killed."""
    other = tmp_path / "other"
    with serving(run, tmp_path / "one", OUTBOX_INTERVAL_SECONDS="0.2") as api:
        from bootcamp.stack.apps import Apps, start_beat
        from tests.week08.conftest import LAYERS
        from tests.week08.running import QUICK

        env = {**run.environment(), **QUICK, "OUTBOX_INTERVAL_SECONDS": "0.2"}
        second = Apps(env, LAYERS, workers=0, state=other)
        other.mkdir()
        beat = second._process("beat2", other, ["celery", "-A", "pipeline.tasks.schedule", "beat",
                               "--loglevel", "INFO", "--schedule", str(other / "s"), "--pidfile", ""])  # fmt: skip
        start_beat(beat)
        try:
            poll(lambda: "This Beat waits" in beat.logs() or None)
            time.sleep(1.5)
            assert "Sending due task" not in beat.logs()
            assert "has the lock and sends" in log_of(api, "beat")
            first = api.apps.beat
            assert first is not None
            api.apps._supervisor.stop() if hasattr(api.apps._supervisor, "stop") else None
            first.stop()
            poll(lambda: "Sending due task pipeline.sweep" in beat.logs() or None, 20)
        finally:
            beat.stop()
