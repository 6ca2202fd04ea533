"""`DELETE /documents/{id}`, and the clean-up of what expired jobs leave behind."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from tests.week03.conftest import poll, rows
from tests.week04.conftest import table
from tests.week08.running import blobs, serving

pytestmark = pytest.mark.usefixtures("wired_as_in_week_eight")


def test_everything_of_a_document_goes_and_shared_files_stay(run, tmp_path):
    with serving(run, tmp_path, BLOB_GRACE_SECONDS="0.3") as api:
        one, twin = api.accepted(b"the same"), api.accepted(b"the same")
        for job_id in (one, twin):
            assert api.ended(job_id)["status"] == "completed"
        (shared,) = {key for key in blobs(run) if key.startswith("uploads/")}
        assert api.delete(one).status_code == 204
        assert api.http.get(f"/jobs/{one}").status_code == 404
        assert api.delete(one).status_code == 404
        assert not [key for key in blobs(run) if one in key]
        assert [str(r[0]) for r in rows(run, "SELECT document_id FROM documents")] == [twin]
        assert [str(r[0]) for r in rows(run, "SELECT document_id FROM chunks")] == [twin]
        time.sleep(0.6)
        assert shared in blobs(run)  # the twin uses it
        assert api.delete(twin).status_code == 204
        poll(lambda: not blobs(run) or None, 10)
        assert rows(run, "SELECT 1 FROM documents") == []
        poll(lambda: not [i for i in table(run).scan()["Items"] if i.get("kind") == "blob"] or None)
        assert api.delete(str(uuid4())).status_code == 404


def test_a_running_job_is_deleted_and_its_late_worker_adds_nothing(run, tmp_path):
    folder = tmp_path / "sabotage"
    folder.mkdir()
    (folder / "hold-index").touch()
    more: dict[str, Any] = {
        "SABOTAGE": str(folder),
        "BLOB_GRACE_SECONDS": "0.3",
        "CLEAN_UP_INTERVAL_SECONDS": "0.5",
    }
    with serving(run, tmp_path / "apps", **more) as api:
        hook = api.register()
        job_id = api.accepted(b"running")
        poll(lambda: (api.job(job_id)["progress"] or {}).get("step") == "index" or None)
        assert api.delete(job_id).status_code == 204
        (folder / "hold-index").unlink()
        poll(
            lambda: (
                [d["event"] for d in api.deliveries(hook["webhook_id"])] == ["job.cancelled"]
                or None
            )
        )
        poll(lambda: not blobs(run) or None, 15)
        assert rows(run, "SELECT 1 FROM documents") == []
        assert table(run).get_item(Key={"id": job_id}).get("Item") is None
        assert (
            api.ended(api.accepted(b"running"))["status"] == "completed"
        )  # the same content again


def test_a_dead_letter_can_be_deleted_and_not_replayed(run, tmp_path):
    from bootcamp.providers.faults import Fault

    with serving(run, tmp_path) as api:
        run.openai.script(Fault.status(401))
        job_id = api.accepted(b"dead")
        assert api.ended(job_id)["status"] == "failed"
        assert api.delete(job_id).status_code == 204
        assert api.replay(job_id).status_code == 404
        poll(lambda: not api.http.get("/dead-letters").json()["dead_letters"] or None)


def test_what_expired_jobs_leave_behind_is_removed(run, tmp_path):
    """The artifacts and the file go with the job. The index keeps the document until it is deleted."""
    more: dict[str, Any] = {"BLOB_GRACE_SECONDS": "0.3", "CLEAN_UP_INTERVAL_SECONDS": "0.5"}
    with serving(run, tmp_path, JOB_KEEP_SECONDS="3", **more) as api:
        job_id = api.accepted(b"expires")
        assert api.ended(job_id)["status"] == "completed"
        assert len(blobs(run)) == 4
        poll(lambda: not blobs(run) or None, 20)
        assert api.http.get(f"/jobs/{job_id}").status_code == 404
        assert len(rows(run, "SELECT 1 FROM documents")) == 1
        assert api.delete(job_id).status_code == 204
        assert rows(run, "SELECT 1 FROM documents") == []


def test_the_clean_up_is_bounded_and_goes_on_where_it_stopped(run, tmp_path, monkeypatch):
    from pipeline.storage import LocalBlobStore
    from pipeline.tasks import clean_up

    store = LocalBlobStore(tmp_path / "blobs")
    for number in range(7):
        store.put(f"artifacts/{number}/parse", b"")
    store.put("uploads/a", b"")
    seen: list[str] = []
    monkeypatch.setattr(clean_up, "blob_store", lambda: store)
    monkeypatch.setattr(clean_up, "clean_artifacts", seen.append)
    monkeypatch.setattr(clean_up, "release", seen.append)
    monkeypatch.setattr(clean_up, "PAGE_KEYS", 3)
    place = ""
    for _ in range(3):
        place = clean_up.clean_page(place)
    assert seen == [*map(str, range(7)), "uploads/a"]
    assert place == ""
    monkeypatch.setattr(clean_up, "ROUND_SECONDS", -1)
    assert clean_up.clean_page("") == "artifacts/0/parse"
