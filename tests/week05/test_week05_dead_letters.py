"""5.4, 5.5: exactly one dead letter, with what is needed to understand it, whatever the way to die."""

from __future__ import annotations

import random
import time
from datetime import datetime

import pytest

from bootcamp.providers.faults import Fault
from bootcamp.samples.documents import random_document
from tests.week03.conftest import poll
from tests.week04.conftest import document, table
from tests.week05.conftest import serving


def test_an_exhausted_job_leaves_what_is_needed_to_understand_it(api):
    before = time.time()
    _, job_id = api.spoiled(Fault.status(503, times=None))
    letter = api.dead_letter_of(job_id)
    job = api.job(job_id)
    assert letter["step"] == "embed"
    assert letter["task"] == "pipeline.embed_chunks"
    [reference] = letter["arguments"]
    assert reference["document_id"] == job_id
    assert reference["chunks_key"].startswith("artifacts/")
    assert letter["error"] == job["error"]
    assert letter["error"]["type"] == "internal_error"
    assert letter["exception"].endswith("InternalServerError")
    assert letter["attempts"] == 4
    assert letter["deliveries"] == 1
    assert letter["replays"] == 0
    first, last = (datetime.fromisoformat(letter[at]).timestamp() for at in ("first_at", "last_at"))
    assert before < first < last < time.time()
    assert api.http.get(f"/dead-letters/{job_id}").json() == letter
    detail = api.item(job_id)["dead_letter"]["detail"]
    assert "Error code: 503" in detail
    for shown in (str(letter), str(job)):
        assert "Error code" not in shown
        assert "Traceback" not in shown
    line = [line for line in api.worker_log().splitlines() if f"dead letter: job {job_id}" in line]
    assert len(line) == 1
    assert letter["fingerprint"] in line[0]
    assert {"due_at", "due_shard", "lease_owner"}.isdisjoint(api.item(job_id))


def test_a_damaged_document_is_dead_at_once(api):
    made = random_document(random.Random(5), "pdf", pages=1)
    job_id = api.accepted(made.content[: len(made.content) // 2], "half.pdf")
    letter = api.dead_letter_of(job_id)
    assert letter["step"] == "parse"
    assert letter["error"]["type"] == "damaged_document"
    assert letter["attempts"] == 1


def test_a_dead_letter_stays_until_it_is_replayed(api):
    """A late copy of the message, and the outbox, find nothing to do."""
    text, job_id = api.spoiled(Fault.status(401))
    letter = api.dead_letter_of(job_id)
    asked = len(api.asked(text))
    send_again(api, letter)
    poll(lambda: f"nothing to do for job {job_id}" in api.worker_log() or None)
    assert len(api.asked(text)) == asked
    assert api.http.get(f"/dead-letters/{job_id}").json() == letter


def send_again(api, letter) -> None:
    from celery import Celery

    app = Celery(broker=f"{api.run.redis_url}/0")
    app.send_task(letter["task"], letter["arguments"])
    app.close()


def test_a_job_that_ends_its_workers_is_given_up_and_its_neighbour_is_done(run, tmp_path):
    with serving(run, tmp_path, MAX_DELIVERIES="2", POISON="1") as api:
        poison = [
            api.accepted(name.encode(), name) for name in ("kill.txt", "exit.txt", "limit.txt")
        ]
        good = api.accepted(b"The sea is calm.", "calm.txt")
        for job_id in poison:
            letter = api.dead_letter_of(job_id)
            assert letter["error"]["type"] == "poison_job"
            assert letter["step"] == "embed"
            assert letter["deliveries"] == 3, "two to work on it, one to give it up"
            assert len(letter["arguments"]) == 1
            log = api.worker_log()
            assert log.count(f"dead letter: job {job_id}") == 1
        assert api.ended(good)["status"] == "completed"
        assert sorted(one["job_id"] for one in api.letters()) == sorted(poison)


def test_a_lost_message_is_not_the_documents_fault(new_job):
    """Ten times the message between two steps is lost. The eleventh delivery is worked on."""
    from pipeline.lifecycle.retries import count_lost_message
    from pipeline.models.dead_letters import ReliableJob
    from pipeline.models.job import jobs
    from pipeline.models.leases import hand_over
    from pipeline.retry_errors import PoisonJob
    from pipeline.tasks.dead_letter import refuse_poison
    from pipeline.tasks.tracking import acquire

    job_id = new_job()
    for _ in range(10):
        job = acquire(job_id, "one")
        assert job
        refuse_poison(ReliableJob.of(job))
        waiting = hand_over(job, {}, 0)
        count_lost_message(waiting)
        count_lost_message(waiting)  # the broker was away, so the outbox tried twice
    for _ in range(4):  # and now its workers die
        job = acquire(job_id, "one")
        assert job
        jobs().update(job_id, {"lease_until": 0}, held(job))
    with pytest.raises(PoisonJob):
        refuse_poison(ReliableJob.of(job))


def held(job):
    from boto3.dynamodb.conditions import Attr

    return Attr("generation").eq(job.generation)


def failed_job(job_id: str, **letter):
    """Take a pending job in this process, and dead-letter it. Return it."""
    from pipeline.models.dead_letters import Failures, ReliableJob
    from pipeline.tasks import dead_letter
    from pipeline.tasks.tracking import acquire

    job = ReliableJob.of(acquire(job_id, "one"))
    failures = Failures(count=1, first_at=1.0)
    made = dead_letter.dead_letter(job, "embed", "task", [{}], failures, ValueError("no"))
    return dead_letter.dead_letter_job(job, {**made, **letter}, {})


def test_of_two_workers_one_dead_letters_the_job(run, new_job):
    from pipeline.models.dead_letters import Failures, ReliableJob
    from pipeline.models.errors import JobConflict
    from pipeline.tasks import dead_letter
    from pipeline.tasks.tracking import acquire

    job = ReliableJob.of(acquire(new_job(), "one"))
    failures = Failures(count=1, first_at=1.0)
    letter = dead_letter.dead_letter(job, "embed", "task", [{}], failures, ValueError("no"))
    dead_letter.dead_letter_job(job, letter, {})
    with pytest.raises(JobConflict):
        dead_letter.dead_letter_job(job, {**letter, "step": "index"}, {})
    assert table(run).get_item(Key={"id": job.id})["Item"]["dead_letter"]["step"] == "embed"


def test_the_list_has_the_newest_first_page_by_page_and_others_not(new_job):
    from pipeline.models.dead_letters import page_of_dead

    dead = [failed_job(new_job("me")).id for _ in range(7)]
    failed_job(new_job("you"))
    new_job("me")
    found, cursor = [], None
    while True:
        page = page_of_dead("me", 3, cursor)
        assert len(page.jobs) <= 3
        found += [job.id for job in page.jobs]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == dead[::-1]


def test_what_a_stranger_asks_for_is_not_there(api):
    nobody = document().document_id
    assert api.http.get(f"/dead-letters/{nobody}").status_code == 404
    assert api.replay(nobody).status_code == 404
    assert api.http.get("/dead-letters", params={"cursor": "x"}).status_code == 422
    alive = api.accepted()
    api.ended(alive)
    assert api.http.get(f"/dead-letters/{alive}").status_code == 404
    assert api.replay(alive).json()["type"] == "dead_letter_not_found"
