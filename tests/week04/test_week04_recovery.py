"""The row is the truth: lose a message, a worker, Redis, and no job is lost."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import time
from typing import Any

import pytest
import redis
from celery import Celery

from bootcamp.samples.documents import random_document
from bootcamp.stack.apps import start_worker
from tests.week03.conftest import poll, rows
from tests.week04.conftest import QUICK, serving
from tests.week04.proxy import Proxy


def queue(run) -> redis.Redis:
    return redis.Redis.from_url(f"{run.redis_url}/0")


@pytest.mark.parametrize("route", ["/documents", "/documents/upload"])
def test_accepted_while_redis_is_stopped_and_run_once_it_is_back(run, tmp_path, route):
    with serving(run, tmp_path, **QUICK) as api:
        run.redis.stop()
        begun = time.monotonic()
        answers = [
            api.http.post(route, files={"file": (f"{n}.txt", b"number %d" % n)}) for n in range(3)
        ]
        assert time.monotonic() - begun < 40
        assert [answer.status_code for answer in answers] == [202] * 3, answers[0].text
        ids = [answer.json()["document"]["document_id"] for answer in answers]
        assert {api.job(job_id)["status"] for job_id in ids} == {"pending"}
        run.redis.start()
        for job_id in ids:
            assert api.ended(job_id)["status"] == "completed"
        assert len(rows(run, "SELECT 1 FROM documents")) == 3


def test_accepted_while_redis_says_nothing(run, tmp_path):
    with serving(run, tmp_path, workers=0, **QUICK) as api:
        os.kill(run.redis.process.pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            job_id = api.accepted()
            assert time.monotonic() - begun < 20
            assert api.job(job_id)["status"] == "pending"
        finally:
            os.kill(run.redis.process.pid, signal.SIGCONT)
        poll(lambda: queue(run).llen("celery") or None)


def test_a_flushed_redis_loses_no_job(run, tmp_path):
    with serving(run, tmp_path, workers=0, **QUICK) as api:
        ids = [api.accepted(b"number %d" % number) for number in range(5)]
        queue(run).flushall()
        with serving(run, tmp_path / "more", **QUICK) as other:
            for job_id in ids:
                assert other.ended(job_id)["status"] == "completed"


def lost(run) -> str:
    """Take one message out of the queue. Returns the name of its task."""
    message: Any = poll(lambda: queue(run).lpop("celery"))
    return str(json.loads(message)["headers"]["task"])


def test_a_new_job_whose_message_is_lost_is_published_again(run, tmp_path):
    with serving(run, tmp_path / "one", workers=0, **QUICK) as api:
        job_id = api.accepted()
        assert lost(run) == "pipeline.ingest_document"
        with serving(run, tmp_path / "two", **QUICK) as other:
            assert other.ended(job_id)["status"] == "completed"


@pytest.mark.parametrize(
    ("held", "next_task"),
    [
        ("parse", "pipeline.chunk_document"),
        ("chunk", "pipeline.embed_chunks"),
        ("embed", "pipeline.index_document"),
    ],
)
def test_a_step_whose_message_is_lost_is_driven_again(run, tmp_path, held, next_task):
    """The worker is told to take no more; what it publishes at the step's end is thrown away."""
    (tmp_path / f"hold-{held}").touch()
    with serving(run, tmp_path / "apps", **QUICK, SABOTAGE=str(tmp_path)) as api:
        job_id = api.accepted()
        poll(lambda: api.job(job_id)["progress"]["step"] == held or None)
        control = Celery(broker=f"{run.redis_url}/0").control
        assert control.cancel_consumer("celery", reply=True, timeout=10, limit=1)
        (tmp_path / f"hold-{held}").unlink()
        assert lost(run) == next_task
        assert control.add_consumer("celery", reply=True, timeout=10, limit=1)
        job = api.ended(job_id)
        assert job["status"] == "completed"
        assert job["deliveries"] >= 2  # more only on a machine that is very busy
        assert len(rows(run, "SELECT 1 FROM documents")) == 1


def test_a_node_that_dies_with_its_messages_costs_a_delivery(run, tmp_path):
    (tmp_path / "hold-parse").touch()
    with serving(run, tmp_path / "apps", **QUICK, SABOTAGE=str(tmp_path)) as api:
        job_id = api.accepted()
        poll(lambda: api.job(job_id)["progress"]["step"] == "parse" or None)
        node = api.apps.workers[0]
        node.kill(group=True)
        node.wait()
        (tmp_path / "hold-parse").unlink()
        start_worker(node)
        job = api.ended(job_id)
        assert job["status"] == "completed"
        assert job["deliveries"] >= 2  # more only on a machine that is very busy


@pytest.mark.parametrize("step", ["parse", "chunk", "embed", "index"])
def test_a_worker_killed_in_a_step_costs_a_delivery_and_no_more(run, tmp_path, step):
    (tmp_path / f"kill-{step}").touch()
    made = random_document(random.Random(step), "pdf", pages=2)
    with serving(run, tmp_path / "apps", **QUICK, SABOTAGE=str(tmp_path)) as api:
        job_id = api.accepted(made.content, made.name)
        job = api.ended(job_id)
        assert job["status"] == "completed"
        assert job["deliveries"] >= 2  # more only on a machine that is very busy
        begun = [line.split()[1] for line in (tmp_path / "begun").read_text().splitlines()]
        steps = ["parse", "chunk", "embed", "index"]
        assert begun[: steps.index(step) + 2] == [*steps[: steps.index(step) + 1], "parse"]
        assert begun[-4:] == steps
        assert len(run.openai.journal()) == 1, "a step that was done was paid for again"
        assert len(rows(run, "SELECT 1 FROM documents")) == 1


def test_a_slow_worker_is_no_dead_one(run, tmp_path):
    """The step takes two leases. It is neither run twice nor delivered twice."""
    (tmp_path / "hold-embed").touch()
    patient = {**QUICK, "LEASE_SECONDS": "3", "REDRIVE_SECONDS": "30"}
    with serving(run, tmp_path / "apps", **patient, SABOTAGE=str(tmp_path)) as api:
        job_id = api.accepted()
        poll(lambda: api.job(job_id)["progress"]["step"] == "embed" or None)
        time.sleep(6)
        (tmp_path / "hold-embed").unlink()
        assert api.ended(job_id)["deliveries"] == 1


def test_a_worker_without_dynamodb_drops_its_work_and_the_job_is_done_after(run, tmp_path):
    url = run.environment()["AWS_ENDPOINT_URL"]
    (tmp_path / "hold-chunk").touch()
    with (
        Proxy(url) as proxy,
        serving(run, tmp_path / "api", workers=0, **QUICK) as api,
        serving(
            run, tmp_path / "w", **QUICK, SABOTAGE=str(tmp_path), AWS_ENDPOINT_URL=proxy.url
        ) as worker,
    ):
        job_id = api.accepted()
        poll(lambda: api.job(job_id)["progress"]["step"] == "chunk" or None)
        with proxy.down():
            (tmp_path / "hold-chunk").unlink()
            # by the step itself: on a busy machine a message that came twice is dropped as well
            step_dropped = re.compile(r"chunk_document\[.*\bis dropped")
            poll(lambda: step_dropped.search(worker.worker_log()))
        job = api.ended(job_id)
        assert job["status"] == "completed"
        assert job["deliveries"] >= 2


def test_two_dispatchers_send_one_message_for_each_job(run, tmp_path, settings):
    from pipeline.models.creation import create
    from tests.week04.conftest import document

    settings(publish_seconds=0.1)
    ids = [create(document(), "public").job_id for _ in range(20)]
    with (
        serving(run, tmp_path / "one", workers=0, OUTBOX_INTERVAL_SECONDS="0.1"),
        serving(run, tmp_path / "two", workers=0, OUTBOX_INTERVAL_SECONDS="0.1"),
    ):
        poll(lambda: queue(run).llen("celery") >= 20 or None)
        time.sleep(1)
    sent = [json.loads(m)["headers"]["id"] for m in queue(run).lrange("celery", 0, -1)]
    assert sorted(sent) == sorted(ids)
