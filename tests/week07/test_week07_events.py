"""`GET /events`: snapshot, changes, resuming, slow readers, other owners, and the end of a process."""

from __future__ import annotations

from tests.week03.conftest import poll


def test_a_job_is_told_from_upload_to_end(api):
    watcher = api.watch()
    snapshot = watcher.wait_for("snapshot")
    job_id = api.accepted(name="keeper.txt")
    watcher.wait(lambda _: [job for job in watcher.jobs(job_id) if job["status"] == "completed"])
    seen = watcher.jobs(job_id)
    revisions = [job["revision"] for job in seen]
    assert revisions == sorted(set(revisions))
    assert [job["progress"]["percent"] for job in seen][-1] == 100
    steps = [job["progress"]["step"] for job in seen]
    assert list(dict.fromkeys(steps)) == [None, "parse", "chunk", "embed", "index"]
    assert seen[-1]["result"]["chunks"] == 1
    assert snapshot.id != watcher.events[-1].id
    assert seen[-1] == api.job(job_id)
