"""The page of the news in a real browser: read, filter, search, read on, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from bootcamp.stack import Stack
from tests.week07.browser import axe, browser, new_page
from tests.week09.newsroom import Newsroom, newsroom

__all__ = ["axe", "browser", "new_page"]

PAGE = 20
WIDTHS = [360, 768, 1440]
HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenverordnung" * 3


@pytest.fixture(scope="module")
def shared(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    with stack.isolated() as run, newsroom(run, tmp_path_factory.mktemp("apps")) as room:
        yield room


@pytest.fixture
def room(shared: Newsroom) -> Newsroom:
    shared.clear()
    return shared


@pytest.fixture
def page(room: Newsroom, new_page) -> Iterator[Page]:
    """A page of somebody who is signed in. A dialog, or an error in a script, fails the test."""
    page = new_page()
    room.sign_in(page)
    yield page
    assert page.problems == []


def show(page: Page, room: Newsroom, path: str = "/desk") -> None:
    page.goto(f"{room.url}{path}")
    expect(status(page)).not_to_have_text("Loading")


def status(page: Page):
    return page.locator("main").get_by_role("status")


def titles(page: Page) -> list[str]:
    return page.get_by_role("article").get_by_role("heading").all_inner_texts()


def some_news(room: Newsroom) -> None:
    room.add(
        "Dredging begins", "The channel is dredged.", ("harbour", "dredging"), ("Wire", "Weekly")
    )
    room.add("A lamp of LEDs", "The lighthouse gets a new lamp.", ("lighthouses",), hours=30)
    room.add("A pilot boat without a crew", sources=("Wire",), hours=50)


def test_articles_with_and_without_a_summary(room, page):
    some_news(room)
    show(page, room)
    assert titles(page) == ["Dredging begins", "A lamp of LEDs", "A pilot boat without a crew"]
    expect(status(page)).to_have_text("3 articles")
    first = page.get_by_role("article", name="Dredging begins")
    expect(first).to_contain_text("Weekly, Wire")
    expect(first).to_contain_text("1 hour ago")
    expect(first).to_contain_text("The channel is dredged.")
    assert first.get_by_role("listitem").all_inner_texts() == ["harbour", "dredging"]
    link = first.get_by_role("link")
    assert (link.get_attribute("rel"), link.get_attribute("target")) == (
        "noopener noreferrer",
        "_blank",
    )
    last = page.get_by_role("article", name="A pilot boat")
    expect(last).to_contain_text("Not summarised yet")
    expect(last).to_contain_text("The keeper lit the lamp.")
    expect(page.get_by_role("button", name="Show older articles")).to_be_hidden()


def test_what_strangers_wrote_stays_text(room, page):
    room.add(HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), url="javascript:alert(1)")
    room.add_trends((HOSTILE, 2.0, 1))
    show(page, room)
    assert titles(page) == [HOSTILE]
    assert page.get_by_role("article").get_by_role("link").count() == 0
    assert page.locator("main img").count() == 0
    expect(page.get_by_role("list", name="Trends").get_by_role("button")).to_contain_text(HOSTILE)


def test_a_topic_filters_and_the_browser_goes_back(room, page):
    some_news(room)
    show(page, room)
    page.get_by_role("button", name="lighthouses").click()
    expect(page.get_by_role("heading", name="Articles about lighthouses")).to_be_focused()
    expect(status(page)).to_have_text("1 article")
    assert titles(page) == ["A lamp of LEDs"]
    assert page.url.endswith("/desk?topic=lighthouses")
    page.go_back()
    expect(page.get_by_role("heading", name="All articles")).to_be_visible()
    expect(status(page)).to_have_text("3 articles")
    page.go_forward()
    expect(status(page)).to_have_text("1 article")
    page.get_by_role("button", name="Show all articles").click()
    expect(status(page)).to_have_text("3 articles")


def test_a_search_by_meaning(room, page):
    some_news(room)
    show(page, room)
    page.get_by_label("Search by meaning").fill("The lighthouse gets a new lamp.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Results for")).to_be_focused()
    expect(status(page)).to_have_text("2 articles")
    assert titles(page)[0] == "A lamp of LEDs"
    page.reload()
    expect(page.get_by_label("Search by meaning")).to_have_value("The lighthouse gets a new lamp.")
    expect(status(page)).to_have_text("2 articles")


def test_a_search_stays_in_its_topic(room, page):
    some_news(room)
    show(page, room, "/desk?topic=harbour")
    page.get_by_label("Search by meaning").fill("a new lamp")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="in harbour")).to_be_visible()
    expect(status(page)).to_have_text("1 article")
    assert titles(page) == ["Dredging begins"]


def test_trends_lead_to_a_search(room, page):
    some_news(room)
    room.add_trends(("channel", 4.0, 6), ("lamp", 2.0, 1))
    show(page, room)
    terms = page.get_by_role("list", name="Trends").get_by_role("button")
    assert [" ".join(one.split()) for one in terms.all_inner_texts()] == [
        "channel 6 articles",
        "lamp 1 article",
    ]
    terms.first.click()
    expect(page.get_by_role("heading", name="Results for “channel”")).to_be_visible()


def test_without_articles_and_trends(room, page):
    show(page, room)
    expect(page.get_by_text("No articles yet.")).to_be_visible()
    expect(page.get_by_role("heading", name="Trends")).to_be_hidden()
    show(page, room, "/desk?topic=nothing")
    expect(page.get_by_text("Nothing was found.")).to_be_visible()


def test_older_articles_follow(room, page):
    for number in range(PAGE + 3):
        room.add(f"Notice {number}", "A buoy has moved.", hours=number)
    show(page, room)
    expect(status(page)).to_have_text(f"{PAGE}+ articles")
    page.get_by_role("button", name="Show older articles").press("Enter")
    expect(status(page)).to_have_text(f"{PAGE + 3} articles")
    assert titles(page) == [f"Notice {number}" for number in range(PAGE + 3)]
    expect(page.get_by_role("link", name=f"Notice {PAGE}")).to_be_focused()
    expect(page.get_by_role("button", name="Show older articles")).to_be_hidden()


def test_new_articles_come_when_somebody_asks_for_them(room, page):
    some_news(room)
    page.clock.install()
    show(page, room)
    page.clock.fast_forward(61_000)
    expect(page.get_by_role("button", name="Show new articles")).to_be_hidden()
    room.add("Fog in the bay", hours=0)
    page.clock.fast_forward(61_000)
    page.get_by_role("button", name="Show new articles").click()
    expect(status(page)).to_have_text("4 articles")
    assert titles(page)[0] == "Fog in the bay"
    expect(page.get_by_role("button", name="Show new articles")).to_be_hidden()


def test_an_outage_is_told_in_words(room, page):
    some_news(room)
    show(page, room)
    body = {"detail": "The news cannot be read now. Try again in a few seconds.", "type": "x"}
    page.route("**/news?*", lambda route: route.fulfill(status=503, body=json.dumps(body)))
    page.get_by_role("button", name="lighthouses").click()
    expect(page.get_by_role("alert")).to_have_text(body["detail"])
    page.unroute("**/news?*")
    page.get_by_role("button", name="Show all articles").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(status(page)).to_have_text("3 articles")


def test_without_a_key_a_person_gets_the_login(room, new_page):
    page = new_page()
    page.goto(f"{room.url}/desk")
    expect(page.get_by_label("API key")).to_be_visible()


def test_the_way_by_keyboard(room, page):
    some_news(room)
    show(page, room)
    for name in ("Skip to the articles", "Documents", "News"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search by meaning")).to_be_focused()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_usable_by_everybody(room, new_page, axe, scheme, width):
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    room.sign_in(page)
    some_news(room)
    room.add(LONG, LONG, (LONG[:90],), (LONG,))
    room.add_trends((LONG[:80], 4.0, 6), ("lamp", 2.0, 1))
    show(page, room)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == []
    show(page, room, f"/desk?q={LONG}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == []
    assert page.problems == []


def test_the_files_of_the_page(room):
    page = room.http.get("/desk")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert "<script>" not in page.text and " style=" not in page.text
    for name in ("desk.css", "desk.js", "cards.js", "trends.js"):
        assert room.http.get(f"/desk/{name}").status_code == 200
    for name in ("..%2fnews%2fstore.py", "nothing.js", "%2e%2e"):
        assert room.http.get(f"/desk/{name}").status_code == 404
