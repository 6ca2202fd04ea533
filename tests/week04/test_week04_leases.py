"""4.3 and 4.6: who may have a job, and whose writes count."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from bootcamp.stack.apps import layer_environment
from tests.week03.conftest import poll
from tests.week04.conftest import LAYERS, table
from tests.week04.proxy import Proxy

RACE = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pipeline.models.job import jobs
from pipeline.tasks.tracking import acquire
job_id = sys.argv[1]
jobs().get(job_id)
print("ready", flush=True)
start = float(sys.stdin.readline())
def attempt(n):
    time.sleep(max(0, start - time.time()))
    return acquire(job_id, f"{sys.argv[2]}-{n}")
with ThreadPoolExecutor(25) as threads:
    print(sum(job is not None for job in threads.map(attempt, range(25))))
"""


def row(run, job_id: str) -> dict:
    return table(run).get_item(Key={"id": job_id}, ConsistentRead=True)["Item"]


def test_of_a_hundred_workers_one_gets_the_job(run, new_job):
    """Four processes with 25 threads each."""
    job_id = new_job()
    environment = layer_environment(run.environment(), LAYERS)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, job_id, str(number)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    start = f"{time.time() + 0.3}\n"
    won = [int(racer.communicate(start, timeout=60)[0]) for racer in racers]
    assert sorted(won) == [0, 0, 0, 1]
    item = row(run, job_id)
    assert (item["status"], item["deliveries"], item["generation"]) == ("processing", 1, 1)


def test_a_live_lease_is_respected_and_a_dead_one_is_not(run, settings, new_job):
    from pipeline.tasks.tracking import acquire

    settings(lease_seconds=0.5)
    job_id = new_job()
    assert acquire(job_id, "a").lease_owner == "a"
    assert acquire(job_id, "b") is None
    second = poll(lambda: acquire(job_id, "b"))
    assert (second.deliveries, second.generation, second.lease_owner) == (2, 2, "b")


def test_an_old_generation_cannot_write(run, settings, new_job):
    from pipeline.models.errors import JobConflict
    from pipeline.models.job import Status, move
    from pipeline.models.leases import hand_over, renew
    from pipeline.tasks.tracking import acquire, end_step

    settings(lease_seconds=0.2)
    job_id = new_job()
    zombie = acquire(job_id, "zombie")
    settings(lease_seconds=30)
    poll(lambda: acquire(job_id, "heir"))
    before = row(run, job_id)
    for write in (
        lambda: renew(zombie),
        lambda: hand_over(zombie, {}),
        lambda: end_step(zombie, 1, {}),
        lambda: end_step(zombie, 4, {"result": "1"}),
        lambda: move(job_id, Status.FAILED, generation=zombie.generation),
    ):
        with pytest.raises(JobConflict):
            write()
    assert row(run, job_id) == before


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_finished_job_is_never_taken(run, new_job, status):
    from pipeline.models.job import Status, move
    from pipeline.tasks.tracking import acquire, begin_step

    job_id = new_job()
    acquire(job_id, "a")
    move(job_id, Status(status))
    before = row(run, job_id)
    assert acquire(job_id, "b") is None
    assert [begin_step(job_id, number, "b") for number in (1, 2, 3, 4)] == [None] * 4
    assert row(run, job_id) == before


def test_a_job_that_is_not_there_is_not_taken_and_not_made(run, settings):
    from pipeline.models.job import jobs
    from pipeline.tasks.tracking import acquire, begin_step

    job_id = str(uuid4())
    assert acquire(job_id, "a") is None
    assert begin_step(job_id, 1, "a") is None
    assert jobs().get(job_id) is None


def test_steps_run_in_order_and_once(run, new_job):
    from pipeline.models.leases import hand_over
    from pipeline.tasks.tracking import acquire, begin_step, end_step

    job_id = new_job()
    assert begin_step(job_id, 1, "early") is None
    entry = acquire(job_id, "a")
    assert begin_step(job_id, 1, "early") is None
    hand_over(entry, {})
    seen = []
    for number, name in enumerate(["parse", "chunk", "embed", "index"], 1):
        for other in {1, 2, 3, 4} - {number}:
            assert begin_step(job_id, other, "wrong") is None
        job = begin_step(job_id, number, "w")
        assert begin_step(job_id, number, "copy") is None
        assert (job.step, set(job.steps[name])) == (name, {"started_at"})
        ended = end_step(job, number, {"result": "[1]"} if number == 4 else {})
        assert ended.steps[name]["started_at"] <= ended.steps[name]["ended_at"]
        assert (ended.steps_done, ended.lease_owner) == (number, None)
        seen.append((ended.generation, ended.percent, ended.status))
    assert seen == [
        (2, 40, "processing"),
        (3, 50, "processing"),
        (4, 80, "processing"),
        (5, 100, "completed"),
    ]
    assert ended.result == [1]
    assert set(ended.steps) == {"parse", "chunk", "embed", "index"}


def test_of_many_copies_of_a_step_one_runs(run, new_job):
    from pipeline.models.leases import hand_over
    from pipeline.tasks.tracking import acquire, begin_step

    job_id = new_job()
    hand_over(acquire(job_id, "a"), {})
    with ThreadPoolExecutor(30) as threads:
        taken = list(threads.map(lambda n: begin_step(job_id, 1, str(n)), range(30)))
    assert sum(job is not None for job in taken) == 1


def test_a_job_whose_next_message_is_overdue_is_begun_anew(run, settings, new_job):
    from pipeline.models.leases import hand_over
    from pipeline.tasks.tracking import acquire, begin_step, end_step

    settings(redrive_seconds=0.3)
    job_id = new_job()
    hand_over(acquire(job_id, "a"), {})
    end_step(begin_step(job_id, 1, "a"), 1, {})
    assert acquire(job_id, "b") is None
    job = poll(lambda: acquire(job_id, "b"))
    assert (job.steps_done, job.deliveries, job.percent) == (0, 2, 40)
    hand_over(job, {})
    assert begin_step(job_id, 2, "late") is None, "the first step is to be run again"
    again = end_step(begin_step(job_id, 1, "b"), 1, {})
    assert again.percent == 40


def test_a_long_step_keeps_its_lease_and_no_longer_than_its_block(run, settings, new_job):
    from pipeline.models.leases import keep_alive
    from pipeline.tasks.tracking import acquire

    settings(lease_seconds=1.5)  # a renewal must not lose against a busy machine
    job_id = new_job()
    with keep_alive(acquire(job_id, "a")):
        end = time.monotonic() + 4
        while time.monotonic() < end:
            assert acquire(job_id, "b") is None
            assert row(run, job_id)["due_at"] > time.time()
            time.sleep(0.05)
    assert poll(lambda: acquire(job_id, "b")).deliveries == 2


def test_a_step_that_hangs_loses_its_lease(run, settings, new_job):
    from pipeline.models.leases import keep_alive
    from pipeline.tasks.tracking import acquire

    settings(lease_seconds=0.5, step_limit_seconds=0.5)
    job_id = new_job()
    with keep_alive(acquire(job_id, "hangs")):
        assert poll(lambda: acquire(job_id, "b")).lease_owner == "b"


def test_a_renewal_that_comes_late_does_not_take_the_job_back(run, new_job):
    from pipeline.models.errors import JobConflict
    from pipeline.models.leases import hand_over, renew
    from pipeline.tasks.tracking import acquire

    job = acquire(new_job(), "a")
    hand_over(job, {})
    with pytest.raises(JobConflict):
        renew(job)


def test_a_write_whose_answer_is_lost_counts_as_done(run, settings, new_job):
    """boto3 sends it again, and its own first write fails the condition."""
    from pipeline.models.creation import create, create_once
    from pipeline.models.job import Status, move
    from pipeline.models.leases import hand_over, renew
    from pipeline.tasks.tracking import acquire, begin_step, end_step
    from tests.week04.conftest import document

    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        settings(aws_endpoint_url=proxy.url)

        def after_loss(write, operation="UpdateItem"):
            proxy.lose(operation)
            before = proxy.requests
            answer = write()
            assert proxy.requests - before == 2, "it was not sent twice"
            return answer

        job_id = new_job()
        job = after_loss(lambda: acquire(job_id, "a"))
        assert (job.lease_owner, job.deliveries, job.generation) == ("a", 1, 1)
        after_loss(lambda: renew(job))
        assert after_loss(lambda: hand_over(job, {})).lease_owner is None
        step = after_loss(lambda: begin_step(job_id, 1, "a"))
        assert step.generation == 2
        assert after_loss(lambda: end_step(step, 1, {})).steps_done == 1
        assert after_loss(lambda: move(job_id, Status.CANCELLED)).status == "cancelled"

        one = document()
        assert not after_loss(lambda: create(one, "public")).replayed
        two = document()
        once = after_loss(lambda: create_once(two, "public", "k"), "TransactWriteItems")
        assert (once.job_id, once.replayed) == (two.document_id, False)
        assert len(table(run).scan()["Items"]) == 4


def test_somebody_elses_write_in_between_is_not_taken_for_ones_own(run, settings, new_job):
    from pipeline.tasks.tracking import acquire

    job_id = new_job()
    threads = [threading.Thread(target=acquire, args=[job_id, str(n)]) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert row(run, job_id)["deliveries"] == 1


def test_a_dynamodb_that_is_away_is_told_in_time(run, settings, new_job):
    from pipeline.models.errors import JobStoreUnavailable
    from pipeline.tasks.tracking import acquire

    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        settings(aws_endpoint_url=proxy.url)
        job_id = new_job()
        for outage in (proxy.down, proxy.silent):
            with outage():
                begun = time.monotonic()
                with pytest.raises(JobStoreUnavailable):
                    acquire(job_id, "a")
                assert time.monotonic() - begun < 20
