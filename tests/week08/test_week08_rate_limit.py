"""Week 8.4, with real workers: one rate for all of them, and a wait that holds no slot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from autograder.process.fork_client import Host
from autograder.sdk import broker, until
from bootcamp.stack import Run
from bootcamp.stack.apps import Apps
from tests.week08.conftest import LAYERS
from tests.week08.submitting import QUICK, Desk, desk

pytestmark = pytest.mark.usefixtures("wired_as_in_week_eight")

RATE, BURST = 1.0, 2
JOBS = 10


@pytest.fixture
def front(run: Run, tmp_path: Path, host: Host) -> Iterator[Desk]:
    with desk(run, tmp_path, host) as front:
        yield front


def limited(run: Run, **more: str) -> dict[str, str]:
    rates = {"PROVIDER_REQUESTS_PER_SECOND": str(RATE), "PROVIDER_BURST": str(BURST)}
    return {**run.environment(), **QUICK, **rates, **more}


def test_two_workers_share_one_rate_and_a_wait_holds_no_slot(front: Desk, tmp_path: Path) -> None:
    env = limited(front.run, WORKER_CONCURRENCY="1")
    with Apps(env, LAYERS, workers=2, state=tmp_path / "apps"):
        jobs = [front.submit() for _ in range(JOBS)]
        assert until(lambda: sum("waiting" in front.row(job) for job in jobs) >= 4, 30.0)
        urgent = front.submit(urgent=True)
        begun = until(lambda: front.row(urgent)["status"] != "pending", 15.0)
        left = JOBS - front.completed(jobs)
        started = time.monotonic()
        task_id = str(front.code.call("pipeline.producer", "enqueue_later", "Tides", 0))
        assert until(lambda: broker.ended_anywhere(front.run, task_id), 10.0)
        beside = time.monotonic() - started
        front.wait([*jobs, urgent], 60)
    assert beside < 4.0, "another task waited for a slot"
    assert begun and left, "the urgent job stood behind the others"
    starts = sorted(entry.started for entry in front.asked())
    assert len(starts) == JOBS + 1
    for first in range(len(starts)):  # in each stretch of time
        for last in range(first, len(starts)):
            most = BURST + RATE * (starts[last] - starts[first] + 1.5)
            assert last - first + 1 <= most, starts
    for job in jobs:
        row = front.row(job)
        assert not row.get("failures") and row["deliveries"] == 1


def test_a_long_wait_is_kept_by_the_row(front: Desk, tmp_path: Path) -> None:
    env = limited(front.run, BROKER_WAIT_SECONDS="0.1", OUTBOX_INTERVAL_SECONDS="0.1")
    with Apps(env, LAYERS, state=tmp_path / "apps"):
        jobs = [front.submit() for _ in range(6)]
        front.wait(jobs, 60)
    assert len(front.asked()) == 6
    assert all(front.row(job)["deliveries"] == 1 for job in jobs)


@pytest.fixture
def redis(run: Run) -> Iterator[Redis]:
    with broker.database(run, 2) as client:
        yield client


def ask(redis: Redis, rate: float, size: int, wanted: int = 1) -> float:
    from pipeline.tasks.rate_limit import token_bucket

    return float(redis.eval(token_bucket(), 1, "bucket:x", rate, size, wanted))  # type: ignore[arg-type]


def test_the_bucket(redis: Redis) -> None:
    assert [ask(redis, 2, 3) for _ in range(3)] == [0, 0, 0]
    assert ask(redis, 2, 3) == pytest.approx(0.5, abs=0.1)
    assert ask(redis, 2, 3) == pytest.approx(0.5, abs=0.1)  # a refusal takes nothing
    assert ask(redis, 2, 3, 3) == pytest.approx(1.5, abs=0.2)
    time.sleep(0.6)
    assert ask(redis, 2, 3) == 0
    assert ask(redis, 2, 3) > 0
    assert 0 < redis.pttl("bucket:x") < 4_000  # type: ignore[operator]


def test_a_step_that_wants_more_than_the_bucket_holds(redis: Redis) -> None:
    assert ask(redis, 10, 2, 7) == 0
    assert ask(redis, 10, 2) == pytest.approx(0.6, abs=0.1)  # five are owed, and one is wanted


def test_without_redis_a_step_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's own limit remains. A step must not fail because the limit cannot be asked."""
    from redis.exceptions import ConnectionError as NoRedis

    from pipeline.lifecycle.decisions import Run as RunIt
    from pipeline.lifecycle.hooks import TaskCall
    from pipeline.models.job import Job
    from pipeline.tasks import rate_limit

    def broken(*_: object, **__: object) -> float:
        raise NoRedis

    monkeypatch.setattr(rate_limit, "requests_of", lambda _: 1)
    monkeypatch.setattr(rate_limit, "turn", broken)
    ref = {"document_id": "1", "blob_key": "k", "filename": "a", "content_type": "text/plain"}
    call = TaskCall(3, "pipeline.embed_chunks", "w", [ref])
    job = Job(id="1", owner="me", status="processing", document=ref, created_at=0, updated_at=0)  # type: ignore[arg-type]
    assert rate_limit.RateLimit().before(job, call) == RunIt()
