"""8.3: the check, the removal from the index, and poison, cancel, replay and recovery together."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from bootcamp.providers.faults import Fault
from bootcamp.stack.apps import start_worker
from tests.week03.conftest import poll, rows
from tests.week08.running import Api, blobs, kill, log_of, serving

pytestmark = pytest.mark.usefixtures("wired_as_in_week_eight")

VECTOR = [[1.0] * 1536]


@pytest.fixture
def database(run, tmp_path, host, monkeypatch):
    """This process, with the run's stores."""
    from pipeline.steps import database
    from tests.week03.conftest import prepare
    from tests.week08.conftest import LAYERS

    prepare(run, LAYERS, tmp_path, host)
    for name, value in run.environment().items():
        monkeypatch.setenv(name, value)
    database._pool.cache_clear()
    yield run
    database._pool(os.getpid()).close()
    database._pool.cache_clear()


def index(document_id: str, owner: str = "public") -> int:
    from pipeline.steps.index import index_document
    from pipeline.steps.types import Chunk

    chunk = Chunk(position=0, page=1, text="The keeper lit the lamp.")
    return index_document(document_id, owner, "keeper.txt", [chunk], VECTOR)


def test_a_withdrawn_document_cannot_come_back(database):
    from pipeline.tasks.cancellation import withdraw

    one, other = str(uuid4()), str(uuid4())
    index(one)
    index(other)
    index(one, "you")
    withdraw(one, "public")
    withdraw(one, "public")
    found = rows(database, "SELECT document_id, owner FROM chunks ORDER BY owner")
    assert sorted(found) == sorted([(other, "public"), (one, "you")])
    with pytest.raises(psycopg.IntegrityError):
        index(one)
    assert len(rows(database, "SELECT 1 FROM documents")) == 2


def test_a_withdrawal_waits_for_the_worker_that_writes(database):
    """The worker's transaction is open: the removal waits for its end, and then sees its rows."""
    from pipeline.tasks.cancellation import withdraw

    document_id = str(uuid4())
    with psycopg.connect(database.environment()["DATABASE_URL"]) as late:
        late.execute("INSERT INTO documents VALUES (%s, 'public', 'a.txt')", [document_id])
        thread = threading.Thread(target=withdraw, args=(document_id, "public"))
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
        late.commit()
    thread.join(10)
    assert rows(database, "SELECT 1 FROM documents") == []


def test_a_race_of_writers_and_withdrawals_leaves_nothing(database):
    from pipeline.tasks.cancellation import withdraw

    def write(document_id: str) -> None:
        try:
            index(document_id)
        except psycopg.IntegrityError:
            return

    for _ in range(20):
        document_id = str(uuid4())
        with ThreadPoolExecutor(2) as threads:
            done = [
                threads.submit(write, document_id),
                threads.submit(withdraw, document_id, "public"),
            ]
            for one in done:
                one.result()
    assert rows(database, "SELECT 1 FROM documents") == []
    assert rows(database, "SELECT 1 FROM chunks") == []


@pytest.mark.parametrize(
    ("row", "stops"),
    [
        ({"status": "processing", "generation": 3}, False),
        ({"status": "cancelled", "generation": 3}, True),
        ({"status": "processing", "generation": 4}, True),
        (None, True),
    ],
)
def test_the_check_reads_at_most_once_in_a_second(monkeypatch, row, stops):
    from pipeline.tasks import cancellation

    now = [100.0]
    reads: list[str] = []
    monkeypatch.setattr(cancellation, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def read(job_id: str) -> Any:
        reads.append(job_id)
        return row

    monkeypatch.setattr(cancellation, "read_row", read)
    taken: Any = SimpleNamespace(id="a", generation=3)
    check = cancellation.CancelCheck(taken)
    for _ in range(200):
        now[0] += 0.004
        check()
    assert reads == []
    for _ in range(20):
        now[0] += 0.3
        if stops and now[0] >= 101:
            with pytest.raises(cancellation.JobCancelled):
                check()
            break
        check()
    assert 1 <= len(reads) <= 6


def test_a_running_step_stops_and_nothing_stays(run, tmp_path):
    """The provider is slow, and the document has many batches: after the cancel few more are sent."""
    with serving(run, tmp_path, workers=1) as api:
        hook = api.register()
        text = "\n\n".join(f"Lamp {n} {uuid4().hex} " + "word " * 1_500 for n in range(700))
        run.openai.script(Fault.slow(0.7, times=None))
        job_id = api.accepted(text.encode())
        poll(lambda: len(run.openai.journal()) >= 2 or None)
        assert api.cancel(job_id).status_code == 200
        poll(lambda: f"job {job_id} was cancelled" in log_of(api, "worker1") or None, 10)
        sent = len(run.openai.journal())
        time.sleep(1.5)
        assert len(run.openai.journal()) == sent
        assert api.job(job_id)["status"] == "cancelled"
        assert rows(run, "SELECT 1 FROM chunks") == []
        assert api.http.get("/dead-letters").json()["dead_letters"] == []
        assert "failures" not in api.item(job_id)
        poll(
            lambda: (
                [d["event"] for d in api.deliveries(hook["webhook_id"])] == ["job.cancelled"]
                or None
            )
        )


def is_chunked(api: Api, job_id: str) -> bool | None:
    return api.job(job_id)["progress"]["step"] == "chunk" or None


def test_poison_cancel_replay_and_recovery_agree(run, tmp_path):
    """Jobs are cancelled, replayed and recovered at the same moments: each ends once, as its row says."""
    folder = tmp_path / "sabotage"
    folder.mkdir()
    with serving(
        run, tmp_path / "apps", workers=2, SABOTAGE=str(folder), REDRIVE_SECONDS="1"
    ) as api:
        run.openai.script(Fault.status(401, times=None, matching="wrong key"))
        dead = [api.accepted(b"wrong key %d" % n) for n in range(4)]
        for job_id in dead:
            assert api.ended(job_id)["status"] == "failed"
        (folder / "hold-chunk").touch()
        held = [api.accepted(b"held %d" % n) for n in range(2)]
        for job_id in held:
            poll(partial(is_chunked, api, job_id))
        for worker in api.apps.workers:
            kill(worker)  # both jobs have lost their worker: recovery is due
        with ThreadPoolExecutor(8) as threads:
            cancelled = threads.submit(api.cancel, held[0])
            replays = [threads.submit(api.replay, job_id) for job_id in dead for _ in range(2)]
            answers = [one.result().status_code for one in replays]
        assert cancelled.result().status_code == 200
        assert answers.count(202) == 4
        waiting = [api.accepted(b"waiting %d" % n) for n in range(2)]
        assert api.cancel(waiting[0]).status_code == 200
        (folder / "hold-chunk").unlink()
        for worker in api.apps.workers:
            start_worker(worker)
        assert api.ended(held[1])["status"] == "completed"
        assert api.ended(waiting[1])["status"] == "completed"
        for job_id in dead:
            assert api.ended(job_id)["status"] == "failed"
            assert api.cancel(job_id).status_code == 409
        ids = {str(one[0]) for one in rows(run, "SELECT document_id FROM documents")}
        assert ids == {held[1], waiting[1]}
        for job_id in (held[0], waiting[0]):
            assert api.job(job_id)["status"] == "cancelled"
            assert api.replay(job_id).status_code == 404
        assert api.job(waiting[0])["deliveries"] == 0


def test_a_cancelled_poison_job_stays_cancelled(run, tmp_path):
    """A document kills its workers. Once it is cancelled, it is no dead letter, and no worker takes it."""
    with serving(run, tmp_path, POISON="1", MAX_DELIVERIES="50") as api:
        job_id = api.accepted(b"deadly", "kill.txt")
        poll(lambda: api.job(job_id)["deliveries"] >= 2 or None, 60)
        assert api.cancel(job_id).status_code == 200
        deliveries = api.job(job_id)["deliveries"]
        time.sleep(3)  # several leases
        assert api.job(job_id)["status"] == "cancelled"
        assert api.job(job_id)["deliveries"] == deliveries
        assert api.http.get("/dead-letters").json()["dead_letters"] == []
        healthy = api.accepted(b"healthy")
        assert api.ended(healthy)["status"] == "completed"
        assert all(key.startswith(("uploads/", "artifacts/")) for key in blobs(run))
