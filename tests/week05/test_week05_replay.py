"""5.6: a second chance, for one and for all; and one alert for each kind."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from bootcamp.providers.faults import Fault
from tests.week03.conftest import poll, rows
from tests.week05.conftest import serving
from tests.week05.test_week05_dead_letters import failed_job


def test_a_replayed_job_succeeds_and_pays_for_nothing_twice(api):
    text, job_id = api.spoiled(Fault.status(503, times=4))
    api.dead_letter_of(job_id)
    answer = api.replay(job_id)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == answer.json()["status_url"] == f"/jobs/{job_id}"
    job = api.ended(job_id)
    assert job["status"] == "completed"
    assert job["error"] is None
    assert job["deliveries"] == 1
    assert [entry.status for entry in api.asked(text)] == [503] * 4 + [200]
    assert api.http.get(f"/dead-letters/{job_id}").status_code == 404
    poll(lambda: all(one["job_id"] != job_id for one in api.letters(limit=100)) or None)
    assert {"dead_at", "dead_letter", "failures"}.isdisjoint(api.item(job_id))
    assert len(rows(api.run, "SELECT 1 FROM documents WHERE document_id::text = %s", job_id)) == 1


def test_a_replayed_job_that_fails_again_is_one_dead_letter_again(api):
    text, job_id = api.spoiled(Fault.status(503, times=None))
    first = api.dead_letter_of(job_id)
    assert api.replay(job_id).status_code == 202
    second = api.dead_letter_of(job_id)
    assert second["replays"] == 1
    assert second["attempts"] == 4
    assert second["fingerprint"] == first["fingerprint"]
    assert len(api.asked(text)) == 8
    assert [one["job_id"] for one in api.letters(limit=100)].count(job_id) == 1


def test_of_many_who_replay_a_job_at_once_one_does(api):
    _, job_id = api.spoiled(Fault.status(401))
    api.dead_letter_of(job_id)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: api.replay(job_id).status_code, range(8)))
    assert sorted(answers)[0] == 202
    assert set(sorted(answers)[1:]) <= {404, 409}
    assert api.ended(job_id)["status"] == "completed"


def test_replay_of_all_is_spread_over_time_and_leaves_others_alone(new_job, settings):
    from pipeline.models.job import Status
    from pipeline.models.listing import find
    from pipeline.models.replays import replay_all

    settings(replays_per_second=2)
    ids = [failed_job(new_job()).id for _ in range(6)]
    other = failed_job(new_job(), fingerprint="f" * 16).id
    failed_job(new_job("you"))
    fingerprint = failed_job(new_job("you")).dead_letter.fingerprint
    replayed = replay_all("public", fingerprint)
    assert (replayed.count, replayed.seconds) == (6, 2.5)
    jobs = [find(job_id, "public") for job_id in ids]
    assert {job.status for job in jobs} == {Status.PENDING}
    due = [job.due_at - jobs[0].due_at for job in jobs]
    assert due == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5], abs=0.4)
    assert find(other, "public").status == Status.FAILED
    assert replay_all("public", None).count == 1
    assert replay_all("public", None).count == 0


def test_replay_of_more_than_a_page(new_job, monkeypatch):
    from pipeline.models import dead_letters
    from pipeline.models.replays import replay_all

    monkeypatch.setattr(dead_letters, "READ_KEYS", 10)
    for _ in range(35):
        failed_job(new_job())
    assert replay_all("public", None).count == 35


def test_what_has_failed_again_is_not_replayed_by_an_old_request(new_job):
    from pipeline.models.dead_letters import find_dead, replay
    from pipeline.models.errors import JobConflict

    job_id = new_job()
    failed_job(job_id)
    old = find_dead(job_id, "public")
    replay(find_dead(job_id, "public"), 0)
    failed_job(job_id)
    with pytest.raises(JobConflict):
        replay(old, 0)


def test_a_kind_alerts_once_in_a_window_and_counts_the_others(settings):
    from pipeline.tasks.alerts import claim_alert

    settings(alert_window_seconds=3600)
    with ThreadPoolExecutor(10) as threads:
        claimed = list(threads.map(lambda _: claim_alert("a" * 16), range(20)))
    assert [one for one in claimed if one is not None] != []
    assert claimed.count(None) == 19
    assert claim_alert("b" * 16) == 1
    settings(alert_window_seconds=0.01)
    claim_alert("c" * 16)
    assert poll(lambda: claim_alert("c" * 16)) > 1


def test_one_alert_for_each_kind_and_a_replay_of_all(run, tmp_path):
    """The receiver of alerts is down at first, and nobody waits for it."""
    sink = run.webhooks
    sink.script(Fault.status(500, times=2))
    with serving(run, tmp_path, ALERT_WEBHOOK_URL=sink.url("ops"), REPLAYS_PER_SECOND="4") as api:
        ids = [api.spoiled(Fault.status(503, times=4))[1] for _ in range(6)]
        ids.append(api.spoiled(Fault.status(401))[1])
        kinds = {api.dead_letter_of(job_id)["fingerprint"] for job_id in ids}
        assert len(kinds) == 2
        bodies = poll(lambda: alerted(sink, 2))
        assert {body["fingerprint"] for body in bodies} == kinds
        assert all(body["job_id"] in body["text"] for body in bodies)
        assert "Traceback" not in str(bodies)

        answer = api.http.post("/dead-letters/replay")
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"replayed": 7, "seconds": 1.5}
        jobs = [api.ended(job_id) for job_id in ids]
        assert {job["status"] for job in jobs} == {"completed"}
        begun = sorted(job["steps"][0]["started_at"] for job in jobs)
        first, last = (datetime.fromisoformat(one) for one in (begun[0], begun[-1]))
        assert (last - first).total_seconds() > 1
        assert api.letters() == []
        assert len(alerted(sink, 2) or []) == 2
        assert api.worker_log().count(" ALERT: ") == 2


def alerted(sink, count: int) -> list[dict] | None:
    """The alerts that were delivered, once there are so many."""
    found = [
        json.loads(one.body) for one in sink.deliveries("ops") if one.status in range(200, 300)
    ]
    return found if len(found) >= count else None
