"""5.2, 5.3: what is tried again, how often and how soon, as the provider sees it."""

from __future__ import annotations

from collections import Counter
from statistics import mean
from typing import Any

import pytest

from bootcamp.providers.faults import Fault
from bootcamp.stack.apps import start_worker
from tests.week03.conftest import poll
from tests.week04.test_week04_recovery import queue
from tests.week05.conftest import gaps, serving


def test_two_failures_and_the_job_is_done(api):
    text, job_id = api.spoiled(Fault.status(503, times=2))
    job = api.ended(job_id)
    assert job["status"] == "completed", job
    assert job["deliveries"] == 1
    assert [entry.status for entry in api.asked(text)] == [503, 503, 200]
    assert {entry.retry_count for entry in api.asked(text)} == {0}, "the client retries too"
    assert job_id not in {letter["job_id"] for letter in api.letters(limit=100)}


@pytest.mark.parametrize(
    "fault",
    [Fault.status(429), Fault.status(408), Fault.status(500), Fault.drop(), Fault.garbage()],
    ids=lambda fault: f"{fault.kind}-{fault.answer}",
)
def test_whatever_passes_is_tried_again(api, fault):
    text, job_id = api.spoiled(fault)
    assert api.ended(job_id)["status"] == "completed"
    assert len(api.asked(text)) == 2


@pytest.mark.parametrize(
    "fault",
    [Fault.status(400), Fault.status(401), Fault.status(404), Fault.quota()],
    ids=lambda fault: f"{fault.answer}-{fault.code}",
)
def test_whatever_stays_is_tried_once(api, fault):
    text, job_id = api.spoiled(fault)
    letter = api.dead_letter_of(job_id)
    assert len(api.asked(text)) == 1
    assert letter["attempts"] == 1


def test_the_last_attempt_is_the_last(api):
    text, job_id = api.spoiled(Fault.status(503, times=None))
    assert api.dead_letter_of(job_id)["attempts"] == 4
    assert len(api.asked(text)) == 4


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [(Fault.status(429, retry_after=1), 1.0), (Fault.status(503, retry_after_ms=600), 0.6)],
)
def test_what_the_provider_asks_for_is_the_least_wait(api, fault, seconds):
    text, job_id = api.spoiled(fault)
    assert api.ended(job_id)["status"] == "completed"
    [gap] = gaps(api.asked(text))
    assert seconds <= gap + 0.01 < seconds + 10


def test_many_that_fail_together_grow_apart_and_do_not_come_back_together(run, tmp_path):
    """16 jobs, 7 attempts each. After the first they wait until all have had theirs, so that the
    queue is short; then for up to 0.5, 1, 2, 2 and 2 seconds.
    """
    slow: dict[str, Any] = {
        "MAX_ATTEMPTS": "7",
        "BACKOFF_BASE_SECONDS": "0.25",
        "BACKOFF_CAP_SECONDS": "2",
    }
    with serving(run, tmp_path / "apps", **slow, SABOTAGE=str(tmp_path)) as api:
        jobs = [
            api.spoiled(Fault.status(429, retry_after=4 + n / 8), Fault.status(503, times=None))
            for n in range(16)
        ]
        for _, job_id in jobs:
            assert api.ended(job_id)["status"] == "failed"
        waits = [gaps(api.asked(text)) for text, _ in jobs]
        assert {len(six) for six in waits} == {6}
        _, second, _, fourth, fifth, sixth = zip(*waits, strict=True)
        assert mean(second) < mean(fourth), "the waits do not grow"
        assert max(sixth) < 3.5, "the waits grow past the cap"  # to 8 seconds, without one
        for one in (fourth, fifth, sixth):
            assert max(one) - min(one) > 0.4, "all wait alike"
        begun = Counter((tmp_path / "begun").read_text().splitlines())
        steps = {step: {begun[f"{job_id} {step}"] for _, job_id in jobs} for step in STEPS}
        assert steps == {"parse": {1}, "chunk": {1}, "embed": {7}, "index": {0}}


STEPS = ("parse", "chunk", "embed", "index")
PATIENT: dict[str, Any] = {"REDRIVE_SECONDS": "3", "BROKER_WAIT_SECONDS": "2", "MAX_ATTEMPTS": "3"}


@pytest.fixture(scope="module")
def patient(stack, tmp_path_factory):
    """Apps whose broker and workers the tests below break. A wait of more than 2 s is the row's."""
    folder = tmp_path_factory.mktemp("patient")
    with (
        stack.isolated() as run,
        serving(run, folder / "apps", **PATIENT, SABOTAGE=str(folder)) as api,
    ):
        yield api, folder


def steps_begun(folder, job_id: str) -> list[str]:
    begun = folder / "begun"
    lines = begun.read_text().splitlines() if begun.exists() else []
    return [line.split()[1] for line in lines if line.startswith(job_id)]


def restart(api, meanwhile=lambda: None) -> None:
    """Kill the worker node with all its processes, and start it again."""
    node = api.apps.workers[0]
    node.kill(group=True)
    node.wait()
    meanwhile()
    start_worker(node)


def failed_once(api, text: str, job_id: str) -> None:
    """Wait until the first attempt has failed, and the row knows."""
    poll(lambda: len(api.asked(text)) or None)
    poll(lambda: "lease_owner" not in api.item(job_id) or None)


def test_a_long_wait_survives_the_loss_of_redis(patient):
    api, folder = patient
    text, job_id = api.spoiled(Fault.status(429, retry_after=3))
    failed_once(api, text, job_id)
    queue(api.run).flushall()
    job = api.ended(job_id)
    assert job["status"] == "completed"
    assert job["deliveries"] == 1
    assert gaps(api.asked(text))[0] > 2.99
    assert steps_begun(folder, job_id) == ["parse", "chunk", "embed", "embed", "index"]


def test_a_retry_whose_message_is_lost_is_sent_again(patient):
    api, folder = patient
    text, job_id = api.spoiled(Fault.status(429, retry_after=1))
    failed_once(api, text, job_id)
    restart(api, meanwhile=queue(api.run).flushall)
    job = api.ended(job_id)
    assert job["status"] == "completed"
    assert job["deliveries"] == 1
    assert steps_begun(folder, job_id) == ["parse", "chunk", "embed", "embed", "index"]


def test_a_worker_killed_between_attempts_does_not_reset_the_count(patient):
    api, _ = patient
    text, job_id = api.spoiled(Fault.status(503, retry_after=1, times=None))
    failed_once(api, text, job_id)
    restart(api)
    assert api.dead_letter_of(job_id)["attempts"] == 3
    assert len(api.asked(text)) == 3


def test_a_cancelled_job_is_neither_retried_nor_dead_lettered(patient):
    api, folder = patient
    text, job_id = api.spoiled(Fault.status(503, retry_after=1, times=None))
    failed_once(api, text, job_id)
    cancel(api, job_id)
    poll(lambda: f"nothing to do for job {job_id}" in api.worker_log() or None)
    assert len(api.asked(text)) == 1
    assert "dead_letter" not in api.item(job_id)

    (folder / "hold-embed").touch()
    text, job_id = api.spoiled(Fault.status(400))
    poll(lambda: "embed" in steps_begun(folder, job_id) or None)
    cancel(api, job_id)
    (folder / "hold-embed").unlink()
    poll(lambda: api.asked(text) or None)
    poll(lambda: "is dropped" in api.worker_log() or None)
    assert api.job(job_id)["status"] == "cancelled"
    assert "dead_letter" not in api.item(job_id)


def cancel(api, job_id: str) -> None:
    """As week 8 will do it."""
    from tests.week04.conftest import table

    table(api.run).update_item(
        Key={"id": job_id},
        UpdateExpression="SET #s = :c REMOVE due_at, due_shard",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":c": "cancelled"},
    )


def test_a_broker_that_is_away_when_a_retry_is_sent(patient):
    """kombu 5.7 ends a worker that loses the broker with a message in hand: the supervisor of `Apps`
    starts it again.
    """
    api, folder = patient
    (folder / "hold-embed").touch()
    text, job_id = api.spoiled(Fault.status(503))
    poll(lambda: "embed" in steps_begun(folder, job_id) or None)
    api.run.redis.stop()
    (folder / "hold-embed").unlink()
    poll(lambda: "waits for the outbox" in api.worker_log() or None)
    api.run.redis.start()
    job = api.ended(job_id)
    assert job["status"] == "completed"
    assert job["deliveries"] == 1
    assert len(api.asked(text)) == 2
