"""The page in a real browser: everything is found by role and accessible name."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Route, expect

from bootcamp import paths
from tests.week03.conftest import poll
from tests.week07.page import api, card, choose, connection, of, page, requests_of, run

HANDBOOK = paths.SAMPLES / "lighthouse_handbook.pdf"
HOSTILE = "<img src=x onerror=alert(1)><b>bold</b>.txt"


__all__ = ["api", "page", "run"]


# -- a document, from the upload to the passage -------------------------------------------------


def test_a_document_is_uploaded_followed_and_found(page):
    seen = requests_of(page)
    choose(page, HANDBOOK)
    expect(card(page, HANDBOOK.name)).to_contain_text("completed", timeout=20_000)
    expect(card(page, HANDBOOK.name)).to_contain_text("5 pages")
    page.get_by_label("Search your documents").fill("How is the lens cleaned?")
    page.get_by_label("Search your documents").press("Enter")
    hits = page.get_by_role("list", name="Search results").get_by_role("listitem")
    expect(hits.first).to_contain_text(HANDBOOK.name)
    expect(hits.first).to_contain_text(re.compile(r"page \d"))
    assert not [path for path in seen if path.startswith("jobs")], "it polls beside the stream"


def test_every_step_is_seen(page, api):
    watched = page.evaluate(
        """() => {
            const seen = new Set();
            const list = document.getElementById("jobs");
            const look = () => list.querySelectorAll(".step").forEach((s) => seen.add(s.textContent));
            new MutationObserver(look).observe(list, {subtree: true, childList: true});
            window.seenSteps = seen;
        }"""
    )
    assert watched is None
    choose(page, of("steps.txt"))
    expect(card(page, "steps.txt")).to_contain_text("completed", timeout=20_000)
    steps = set(page.evaluate("[...window.seenSteps]"))
    assert {f"Step {n}: {name}".replace(":", " of 4:") for n, name in STEPS} <= steps


STEPS = [(1, "parse"), (2, "chunk"), (3, "embed"), (4, "index")]


def test_an_error_is_told_in_words_and_a_dead_letter_is_replayed(page, api):
    choose(page, {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 no"})
    failed = card(page, "broken.pdf")
    expect(failed).to_contain_text("failed", timeout=20_000)
    expect(failed).to_contain_text("damaged")
    before = api.http.get("/dead-letters").json()["dead_letters"]
    assert before[0]["replays"] == 0
    failed.get_by_role("button", name="Replay broken.pdf").click()
    poll(lambda: _replayed(api, before[0]["job_id"]))
    expect(failed).to_contain_text("failed", timeout=20_000)


def _replayed(api, job_id):
    letters = api.http.get("/dead-letters").json()["dead_letters"]
    return any(one["job_id"] == job_id and one["replays"] == 1 for one in letters) or None


def test_what_is_refused_says_why_and_the_next_file_goes_on(page):
    choose(page, of("empty.txt", b""), of("picture.png", b"\x89PNG\r\n\x1a\n\x00"), of("good.txt"))
    expect(card(page, "good.txt")).to_be_visible()
    uploads = page.get_by_role("list", name="Uploads").get_by_role("listitem")
    expect(uploads).to_have_count(2)
    expect(uploads.first).to_contain_text("The file is empty.")
    uploads.first.get_by_role("button", name="Dismiss empty.txt").click()
    expect(uploads).to_have_count(1)
    expect(page.get_by_label("Choose documents")).to_be_focused()


def test_a_file_is_dropped_on_the_page(page):
    transfer = page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["The sea was calm."], "dropped.txt"));
            return transfer;
        }"""
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(card(page, "dropped.txt")).to_be_visible()


def test_an_upload_shows_how_far_it_is(page):
    bar = page.get_by_role("progressbar", name="Upload of large.txt")

    def slowly(route: Route) -> None:
        time.sleep(0.5)
        route.continue_()

    page.route("**/documents", slowly)
    choose(page, of("large.txt", b"The sea was calm. " * 200_000))
    expect(bar).to_be_visible()
    expect(card(page, "large.txt")).to_be_visible(timeout=20_000)
    expect(bar).to_be_hidden()


def test_a_job_is_cancelled(page, api):
    row = api.put_row(name="cancel me.txt")
    api.publish(row)
    card(page, "cancel me.txt").get_by_role("button", name="Cancel cancel me.txt").click()
    expect(card(page, "cancel me.txt")).to_contain_text("cancelled")
    assert api.item(row["id"])["status"] == "cancelled"


def test_cancelling_too_late_says_so(page, api):
    row = api.put_row(name="just done.txt")
    api.publish(row)
    button = card(page, "just done.txt").get_by_role("button", name="Cancel")
    expect(button).to_be_visible()
    api.put_row(**{**row, "owner": "public", "status": "completed"})
    button.click()
    expect(page.get_by_role("alert").filter(has_text="too late")).to_be_visible()


def test_the_numbers_follow_the_jobs(page, api):
    counts = page.get_by_role("list", name="Counts")
    api.publish(api.put_row(name="counted.txt", status="cancelled"))
    wanted = api.http.get("/stats").json()["by_status"]
    time.sleep(0.6)
    wanted = api.stats()["by_status"]
    expect(counts).to_contain_text(f"{wanted['cancelled']} cancelled", timeout=12_000)
    expect(counts).to_contain_text(f"{api.stats()['total']} total", timeout=12_000)


# -- what it shows ------------------------------------------------------------------------------


def test_the_newest_job_is_first_and_no_card_moves(page, api):
    from pipeline.models.table import moment

    old = api.put_row(name="older.txt", created_at=moment(-100))
    new = api.put_row(name="newest.txt", created_at=moment(50))
    for row in (new, old):
        api.publish(row)
    expect(card(page, "older.txt")).to_be_visible()
    names = page.get_by_role("article").get_by_role("heading").all_text_contents()
    assert names[0] == "newest.txt" and names.index("older.txt") > 0


def test_a_name_and_an_error_are_text(page, api):
    error = {"type": "x", "message": "<script>alert(2)</script><a href=//evil>click</a>"}
    api.publish(api.put_row(name=HOSTILE, status="failed", error=error))
    hostile = card(page, HOSTILE)
    expect(hostile).to_be_visible()
    expect(hostile).to_contain_text(error["message"])
    assert (
        page.evaluate("document.querySelectorAll('article img, article b, article a').length") == 0
    )


def test_a_passage_that_was_found_is_text(page, api):
    answer = {
        "query": "q",
        "results": [
            {"document_id": "1", "filename": HOSTILE, "page": 3, "text": HOSTILE, "score": 0.9}
        ],
    }
    page.route("**/search?*", lambda route: route.fulfill(json=answer))
    page.get_by_label("Search your documents").fill("anything")
    page.get_by_role("button", name="Search").click()
    hits = page.get_by_role("list", name="Search results")
    expect(hits).to_contain_text(HOSTILE)
    expect(hits).to_contain_text("page 3")
    assert page.evaluate("document.querySelectorAll('#results img, #results b').length") == 0


def test_nothing_of_another_owner_is_shown(page, api):
    api.publish(api.put_row("somebody-else", name="theirs.txt"))
    api.publish(api.put_row(name="ours.txt"))
    expect(card(page, "ours.txt")).to_be_visible()
    expect(card(page, "theirs.txt")).to_have_count(0)
    page.reload()
    expect(card(page, "ours.txt")).to_be_visible()
    expect(card(page, "theirs.txt")).to_have_count(0)


def test_an_older_change_that_comes_late_changes_nothing(page, api):
    row = api.put_row(name="late.txt", status="completed", revision=7)
    api.publish(row)
    expect(card(page, "late.txt")).to_contain_text("completed")
    api.publish({**row, "status": "processing", "revision": 6})
    api.publish(api.put_row(name="after late.txt"))
    expect(card(page, "after late.txt")).to_be_visible()
    expect(card(page, "late.txt")).to_contain_text("completed")


# -- everybody ----------------------------------------------------------------------------------


def test_everything_works_with_the_keyboard(page, api):
    row = api.put_row(name="by keyboard.txt")
    api.publish(row)
    expect(card(page, "by keyboard.txt")).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.innerText")
        )
        outline = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle("
            "document.querySelector('label[for=file]')).outlineStyle"
        )
        assert "solid" in outline, reached[-1]
    assert "file" in reached and "question" in reached
    button = card(page, "by keyboard.txt").get_by_role("button", name="Cancel")
    button.focus()
    page.keyboard.press("Enter")
    expect(card(page, "by keyboard.txt")).to_contain_text("cancelled")
    expect(card(page, "by keyboard.txt")).to_be_focused()


def test_the_focus_stays_while_jobs_change(page, api):
    from pipeline.models.table import moment

    row = api.put_row(name="focused.txt", status="processing", step="parse")
    api.publish(row)
    button = card(page, "focused.txt").get_by_role("button", name="Cancel")
    button.focus()
    api.publish({**row, "percent": 50, "step": "embed", "revision": 2})
    api.publish(api.put_row(name="newer.txt", created_at=moment(60)))
    expect(card(page, "newer.txt")).to_be_visible()
    expect(card(page, "focused.txt")).to_contain_text("50 %")
    expect(button).to_be_focused()


def test_the_end_of_a_job_is_announced_politely_and_steps_are_not(page, api):
    row = api.put_row(name="announced.txt", status="processing", step="parse")
    api.publish(row)
    expect(card(page, "announced.txt")).to_be_visible()
    place = page.locator("[aria-live=polite]")
    api.publish({**row, "percent": 50, "step": "embed", "revision": 2})
    api.publish({**row, "status": "completed", "percent": 100, "revision": 3})
    expect(place).to_have_text("announced.txt: completed.")


@pytest.mark.parametrize(("width", "scale"), [(360, 1), (640, 2), (768, 1), (1440, 1)])
def test_nothing_is_cut_off(api, new_page, width, scale):
    """640 at a scale of 2 is a window of 1,280 px at a zoom of 200 %."""
    page = new_page(viewport={"width": width, "height": 700}, device_scale_factor=scale)
    name = "a_name_without_any_space_" * 4 + ".pdf"
    api.publish(api.put_row(name=name, status="processing", step="embed"))
    page.goto(str(api.http.base_url))
    expect(card(page, name).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_serious(api, new_page, axe, scheme, width):
    for status in ("pending", "processing", "completed", "failed", "cancelled"):
        error = {"error": {"type": "x", "message": "It is damaged."}} if status == "failed" else {}
        api.publish(api.put_row(name=f"{status}.txt", status=status, step="embed", **error))
    page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(str(api.http.base_url))
    expect(connection(page)).to_have_text("Live")
    expect(card(page, "cancelled.txt").first).to_be_visible()
    page.get_by_label("Search your documents").fill("keeper")
    page.get_by_role("button", name="Search").click()
    expect(
        page.get_by_role("list", name="Search results").get_by_role("listitem").first
    ).to_be_visible()
    choose(page, of("empty.txt", b""))
    expect(page.get_by_role("button", name="Dismiss empty.txt")).to_be_visible()
    page.emulate_media(reduced_motion="reduce", color_scheme=scheme)
    found = axe(page)
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == []


def test_dark_mode_is_dark(api, new_page):
    page = new_page(color_scheme="dark")
    page.goto(str(api.http.base_url))
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", colour)[:3])) < 150


def test_a_state_is_a_word_and_a_symbol(page, api):
    api.publish(api.put_row(name="state.txt", status="failed"))
    state = card(page, "state.txt").locator(".state")
    expect(state).to_have_text("failed")
    assert state.locator("use").get_attribute("href") == "/dashboard/icons.svg#failed"
    box = state.locator("svg").bounding_box()
    assert box["width"] > 8


def test_a_hidden_tab_holds_no_stream(page, api):
    """A browser keeps six connections to a server. Seven tabs would block each other."""
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    fire = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(hide % "true" + fire)
    row = api.put_row(name="while hidden.txt")
    api.publish(row)
    page.wait_for_timeout(500)
    expect(card(page, "while hidden.txt")).to_have_count(0)
    page.evaluate(hide % "false" + fire)
    expect(card(page, "while hidden.txt")).to_be_visible()
