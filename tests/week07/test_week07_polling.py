"""The page in a real browser while it has no stream."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.week07.conftest import serving
from tests.week07.page import api, card, choose, connection, of, requests_of, run

__all__ = ["api", "run"]


@pytest.fixture
def polling_page(api, new_page):
    """The page without a stream."""
    page = new_page()
    page.route("**/events", lambda route: route.fulfill(status=503))
    return page


def test_without_a_stream_it_polls_what_is_active_and_stops(api, polling_page):
    page = polling_page
    rows = [api.put_row(name=f"polled {n}.txt") for n in range(2)]
    for old in api.http.get("/jobs", params={"limit": 100}).json()["jobs"]:
        if old["status"] in ("pending", "processing") and old["job_id"] != rows[0]["id"]:
            api.http.post(f"/jobs/{old['job_id']}/cancel")
    seen = requests_of(page)
    page.goto(str(api.http.base_url))
    expect(connection(page)).to_have_text("Polling")
    expect(card(page, "polled 0.txt")).to_contain_text("pending")
    asked = len([path for path in seen if path.startswith("jobs")])
    assert asked == 1
    api.put_row(**{**rows[0], "owner": "public", "status": "completed", "revision": 9})
    expect(card(page, "polled 0.txt")).to_contain_text("completed", timeout=10_000)
    asked = len([path for path in seen if path.startswith("jobs")])
    assert 2 <= asked <= 4
    page.wait_for_timeout(7_000)
    assert len([path for path in seen if path.startswith("jobs")]) == asked


def test_a_failing_poll_says_offline_and_goes_on(api, polling_page):
    page = polling_page
    row = api.put_row(name="unreachable.txt")
    page.goto(str(api.http.base_url))
    expect(connection(page)).to_have_text("Polling")
    page.route("**/jobs?*", lambda route: route.abort())
    expect(connection(page)).to_have_text(re.compile("Offline"), timeout=10_000)
    page.unroute("**/jobs?*")
    expect(connection(page)).to_have_text("Polling", timeout=10_000)
    api.http.post(f"/jobs/{row['id']}/cancel")
    expect(card(page, "unreachable.txt")).to_contain_text("cancelled", timeout=10_000)


def test_an_upload_without_a_stream_is_followed(api, polling_page):
    page = polling_page
    page.goto(str(api.http.base_url))
    expect(connection(page)).to_have_text("Polling")
    choose(page, of("polled upload.txt"))
    expect(card(page, "polled upload.txt")).to_contain_text("completed", timeout=20_000)


def test_pulling_the_plug_of_the_api(run, tmp_path, new_page):
    with serving(run, tmp_path, EVENTS_RETRY_SECONDS="0.5") as api:
        page = new_page()
        page.goto(str(api.http.base_url))
        expect(connection(page)).to_have_text("Live")
        row = api.put_row(name="meanwhile.txt")
        api.publish(row)
        expect(card(page, "meanwhile.txt")).to_contain_text("pending")
        api.apps.api.stop()
        expect(connection(page)).to_have_text(re.compile("Offline"), timeout=10_000)
        api.put_row(**{**row, "owner": "public", "status": "completed", "revision": 5})
        missed = api.put_row(name="missed.txt")
        api.apps.api.start()
        expect(connection(page)).to_have_text("Live", timeout=30_000)
        expect(card(page, "meanwhile.txt")).to_contain_text("completed")
        expect(card(page, missed["document"]["filename"])).to_be_visible()
        seen = requests_of(page)
        page.wait_for_timeout(5_000)
        assert not [path for path in seen if path.startswith("jobs")], "it still polls"
