"""5.2, 5.3: what is tried again, how often and how soon, as the provider sees it."""

from __future__ import annotations

from bootcamp.providers.faults import Fault
from tests.week05.conftest import gaps, serving


def test_two_failures_and_the_job_is_done(run, tmp_path):
    with serving(run, tmp_path) as api:
        run.openai.script(Fault.status(503, times=2))
        job = api.ended(api.accepted())
        assert job["status"] == "completed", job
        assert job["deliveries"] == 1
        assert [entry.status for entry in run.openai.journal()] == [503, 503, 200]
        print(gaps(run.openai.journal()))
        assert api.letters() == []


def test_exhausted_then_replayed(run, tmp_path):
    with serving(run, tmp_path) as api:
        run.openai.script(Fault.status(503, times=4))
        job_id = api.accepted()
        letter = api.buried(job_id)
        print(letter)
        assert len(run.openai.journal()) == 4
        answer = api.http.post(f"/dead-letters/{job_id}/replay")
        assert answer.status_code == 202, answer.text
        assert api.ended(job_id)["status"] == "completed"
        print(api.item(job_id))
        print(api.worker_log())
