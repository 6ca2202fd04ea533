"""8.2: the schedule, the lock of Beat, and one sweep."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import redis

from tests.week04.conftest import new_job, prepared, settings, table

pytestmark = pytest.mark.usefixtures("wired_as_in_week_eight")

__all__ = ["new_job", "prepared", "settings"]


@pytest.fixture
def client(run):
    return redis.Redis.from_url(f"{run.redis_url}/0")


def test_one_beat_has_the_lock_until_it_expires(client):
    from pipeline.tasks.schedule import LOCK, hold

    assert hold(client, "a", 0.4)
    assert not hold(client, "b", 60)
    assert 0 < client.pttl(LOCK) <= 400
    assert hold(client, "a", 0.6)
    assert client.pttl(LOCK) > 400
    time.sleep(0.7)
    assert hold(client, "b", 60)
    assert not hold(client, "a", 60)
    assert client.get(LOCK) == b"b"


def test_of_many_beats_one_takes_the_lock(client):
    from pipeline.tasks.schedule import hold

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda n: hold(client, str(n), 5), range(16)))
    assert taken.count(True) == 1


def test_ticks_expire(settings):
    from pipeline.models.operation_settings import operation_settings
    from pipeline.tasks.schedule import CLEAN_UP, SWEEP, entries

    settings(outbox_interval_seconds=0.7)
    by_task = {one["task"]: one for one in entries().values()}
    assert by_task[SWEEP]["schedule"] == 0.7
    assert by_task[CLEAN_UP]["schedule"] == 60
    expires = operation_settings().tick_expires_seconds
    assert {one["options"]["expires"] for one in by_task.values()} == {expires}


@dataclass
class Overdue:
    """Makes jobs that are due, and collects which of them are handled."""

    new_job: Any
    handled: list[str] = field(default_factory=list)

    def __call__(self, count: int) -> list[str]:
        ids = [self.new_job() for _ in range(count)]
        time.sleep(0.1)
        return ids


@pytest.fixture
def overdue(new_job, settings, monkeypatch):
    from pipeline.tasks import recovery

    settings(publish_seconds=0.01)
    made = Overdue(new_job)
    monkeypatch.setattr(recovery, "handle", lambda item: made.handled.append(item["id"]))
    return made


def test_two_sweeps_at_once_handle_each_item_once(overdue):
    from pipeline.tasks.recovery import recover

    ids = overdue(20)
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda _: recover(), range(4)))
    assert sorted(overdue.handled) == sorted(ids)
    assert sum(counts) == 20
    assert recover() == 0


def test_a_sweep_is_bounded(overdue):
    from pipeline.tasks.recovery import recover

    overdue(9)
    assert recover(limit=4) == 4
    assert recover(seconds=-1) == 0
    assert recover() == 5


def test_a_broken_item_stops_no_other(overdue, monkeypatch, run, caplog):
    from pipeline.tasks import recovery

    ids = overdue(8)
    broken = set(ids[:2])

    def handle(item):
        if item["id"] in broken:
            raise RuntimeError("broken")
        overdue.handled.append(item["id"])

    monkeypatch.setattr(recovery, "handle", handle)
    assert recovery.recover() == 6
    assert set(overdue.handled) == set(ids) - broken
    for job_id in broken:
        assert job_id in caplog.text
        row = table(run).get_item(Key={"id": job_id}, ConsistentRead=True)["Item"]
        assert row["due_at"] <= time.time()  # due again at once
    assert recovery.recover(limit=1) == 0


def test_the_sweep_survives_an_outage_of_the_table(settings, monkeypatch):
    from pipeline.models.errors import JobStoreUnavailable
    from pipeline.tasks import recovery

    def fail():
        raise JobStoreUnavailable

    monkeypatch.setattr(recovery, "due_items", fail)
    recovery.sweep()
    with pytest.raises(JobStoreUnavailable):
        recovery.recover()


def test_a_blob_item_is_of_a_kind_of_its_own():
    from pipeline.outbox import kind_of
    from pipeline.wiring import DUE_HANDLERS

    assert kind_of({"id": f"blob#uploads/{uuid4().hex}", "kind": "blob"}) in DUE_HANDLERS
