"""`GET /stats`, `POST /jobs/{id}/cancel`, requests of other sites, and the page's files."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.week03.conftest import poll
from tests.week04.conftest import table
from tests.week07.conftest import new_row, serving

PAGE_FILES = ["index.html", "dashboard.js", "dashboard.css", "icons.svg", "logo.svg", "live.js"]


@pytest.fixture(scope="module")
def run(stack):
    with stack.isolated() as run:
        yield run


@pytest.fixture(scope="module")
def api(run, tmp_path_factory):
    """Without a worker: a job stays as it is."""
    with serving(run, tmp_path_factory.mktemp("apps"), workers=0) as api:
        yield api


# -- counts -------------------------------------------------------------------------------------


def test_jobs_are_counted_by_state(api, run):
    before = api.stats()
    states = ["pending", "processing", "completed", "failed", "cancelled"]
    for number, status in enumerate(states, 1):
        for _ in range(number):
            api.put_row(status=status)
    api.put_row(status="completed", expires_at=int(time.time()) - 10)
    api.put_row("somebody-else", status="failed")
    time.sleep(0.6)  # STATS_SECONDS in these tests
    stats = api.stats()
    grown = {state: stats["by_status"][state] - before["by_status"][state] for state in states}
    assert grown == {state: number for number, state in enumerate(states, 1)}
    assert stats["total"] == sum(stats["by_status"].values())
    assert stats["complete"] is True


def test_a_count_says_when_it_was_made_and_is_never_old(api):
    for _ in range(5):
        as_of = datetime.fromisoformat(api.stats()["as_of"])
        assert 0 <= (datetime.now(UTC) - as_of).total_seconds() <= 5
        time.sleep(0.2)


def test_a_thousand_requests_are_one_count(run, tmp_path, monkeypatch):
    with serving(run, tmp_path, workers=0, STATS_SECONDS="5") as api:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: api.stats(), range(200)))
        assert len({answer["as_of"] for answer in answers}) <= 2


def test_counting_reads_a_bounded_number_of_pages(monkeypatch):
    from pipeline.models import counting
    from pipeline.models.job import Status

    asked = []

    class Endless:
        def count(self, index, where, *, keep, start):
            asked.append(index)
            return 9_000, {"id": "more"}

    monkeypatch.setattr(counting, "jobs", Endless)
    counts = counting.count_jobs("public")
    assert len(asked) == counting.MAX_READS and not counts.complete
    assert counts.by_status[Status.PROCESSING] == 9_000 * counting.MAX_READS


def test_a_hundred_thousand_jobs_fit_into_the_reads(monkeypatch):
    """One read is 1 MB. The index has owner, status, id and, for finished jobs, when they expire."""
    from pipeline.models import counting

    item = len("owner") + 64 + len("status") + 10 + len("id") + 36 + len("expires_at") + 21
    pages = -(-100_000 * item // 1_000_000) + len(counting.ORDER)
    assert pages < counting.MAX_READS


# -- cancelling ---------------------------------------------------------------------------------


def cancel(api, job_id):
    return api.http.post(f"/jobs/{job_id}/cancel")


def test_a_waiting_job_is_cancelled_and_everybody_hears_of_it(api):
    endpoint = api.register(events=["job.cancelled"])
    watcher = api.watch()
    watcher.wait_for("snapshot")
    job_id = api.accepted()
    answer = cancel(api, job_id)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    watcher.wait(lambda _: [job for job in watcher.jobs(job_id) if job["status"] == "cancelled"])
    assert answer.json() == api.job(job_id)
    assert len(api.deliveries(endpoint["webhook_id"])) == 1
    assert "due_at" not in api.item(job_id) or api.item(job_id)["due_at"] is not None


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_too_late_is_a_conflict_that_names_the_state(api, status):
    row = api.put_row(status=status)
    answer = cancel(api, row["id"])
    assert answer.status_code == 409
    assert (answer.json()["type"], answer.json()["status"]) == ("job_conflict", status)
    assert api.item(row["id"])["revision"] == 1


def test_another_owners_job_is_not_found(api):
    row = api.put_row("somebody-else")
    assert cancel(api, row["id"]).status_code == 404
    assert cancel(api, str(uuid4())).status_code == 404
    assert cancel(api, "no-id").status_code == 422
    found = table(api.run).get_item(Key={"id": row["id"]})["Item"]
    assert found["status"] == "pending"


def test_of_many_who_cancel_at_once_one_succeeds(api):
    job_id = api.accepted()
    with ThreadPoolExecutor(12) as pool:
        codes = sorted(pool.map(lambda _: cancel(api, job_id).status_code, range(12)))
    assert codes == [200] + [409] * 11


def test_a_job_ends_once_whoever_is_faster(run, tmp_path):
    """Cancelled while workers run it: completed or cancelled, and the answer agrees with the row."""
    with serving(run, tmp_path, workers=1) as api:
        ids = [api.accepted(f"Text {n}.".encode()) for n in range(12)]
        answers = {}
        for number, job_id in enumerate(ids):
            time.sleep(0.05 * (number % 4))
            answers[job_id] = cancel(api, job_id)
        for job_id, answer in answers.items():
            final = poll(partial(_ended, api, job_id))
            assert answer.json()["status"] == final["status"]
            assert answer.status_code == (200 if final["status"] == "cancelled" else 409)


def _ended(api, job_id):
    job = api.job(job_id)
    return job if job["status"] in ("completed", "failed", "cancelled") else None


# -- requests of other sites --------------------------------------------------------------------

OTHERS = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "anything"},
]


@pytest.mark.parametrize("headers", OTHERS, ids=str)
@pytest.mark.parametrize(
    "path", ["/documents", "/jobs/{id}/cancel", "/dead-letters/replay", "/webhooks"]
)
def test_what_another_site_sends_changes_nothing(api, headers, path):
    row = api.put_row()
    files = {"file": ("note.txt", b"A note.")}
    answer = api.http.post(path.format(id=row["id"]), headers=headers, files=files)
    assert (answer.status_code, answer.json()["type"]) == (403, "foreign_origin")
    assert api.item(row["id"])["status"] == "pending"


def test_our_own_page_and_programs_pass(api):
    own = f"http://{api.http.base_url.host}:{api.http.base_url.port}"
    for headers in (
        {},
        {"Origin": own},
        {"Sec-Fetch-Site": "same-origin", "Origin": own},
        {"Sec-Fetch-Site": "none"},
    ):
        assert cancel(api, api.put_row()["id"]).status_code == 200, headers
        row = api.put_row()
        assert api.http.post(f"/jobs/{row['id']}/cancel", headers=headers).status_code == 200


def test_reading_is_not_refused(api):
    assert api.http.get("/jobs", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_uploads_keep_their_limits(run, tmp_path):
    with serving(run, tmp_path, workers=0, MAX_UPLOAD_BYTES="1000") as api:
        assert api.submit(b"x" * 2000).status_code == 413
        assert api.submit(b"").status_code == 422
        assert api.submit(b"\x00\x01\x02\xff").status_code == 415


# -- the page's files ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", *[f"/dashboard/{name}" for name in PAGE_FILES]])
def test_every_file_of_the_page_has_the_policy(api, path):
    answer = api.http.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';") and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in policy


def test_types_are_those_that_a_browser_runs(api):
    types = {
        name: api.http.get(f"/dashboard/{name}").headers["content-type"] for name in PAGE_FILES
    }
    assert types["dashboard.js"] == "text/javascript; charset=utf-8"
    assert types["dashboard.css"] == "text/css; charset=utf-8"
    assert types["icons.svg"] == "image/svg+xml"


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/nothing.js",
        "/dashboard/../api/dashboard.py",
        "/dashboard/..%2fapi%2fdashboard.py",
        "/dashboard/%2e%2e/wiring.py",
        "/dashboard/",
    ],
)
def test_nothing_else_is_served(api, path):
    assert api.http.get(path).status_code == 404


def test_the_page_loads_nothing_from_outside_and_has_nothing_inline():
    from pipeline.api.dashboard import FOLDER

    for path in Path(FOLDER).iterdir():
        text = path.read_text(encoding="utf-8")
        outside = text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in outside and "https://" not in outside and "//cdn" not in outside
        for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "outerHTML"):
            assert word not in text, f"{path.name}: {word}"
    page = (Path(FOLDER) / "index.html").read_text(encoding="utf-8")
    assert "<style" not in page and " style=" not in page and "<script>" not in page
    assert " onclick=" not in page and " on" + "load=" not in page


def test_a_page_that_is_unchanged_is_not_sent_again(api):
    first = api.http.get("/dashboard/dashboard.js")
    again = api.http.get(
        "/dashboard/dashboard.js", headers={"If-None-Match": first.headers["etag"]}
    )
    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code in (200, 304)


def test_the_first_green_is_one_event(api):
    answer = api.http.get("/hello", params={"name": "Ada"})
    assert answer.text == 'event: hello\ndata: "Hello, Ada!"\n\n'
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_new_rows_of_this_module_are_no_jobs_of_others():
    assert new_row("me")["owner"] == "me"
