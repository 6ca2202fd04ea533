"""The site in Chromium: without a network, for screen readers, in the dark, and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import chromium

BAD = {"serious", "critical"}
LESSON = "lessons/week01_first_task/03_producer_broker_worker.html"
PAGES = (
    "index.html",
    "lessons/index.html",
    LESSON,
    "exercises/week01_first_task/index.html",
    "docs/glossary.html",
)
DRAWN_MS = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def visit(browser: Browser, url: str, scheme: Literal["light", "dark"], asked: list[str]) -> Page:
    """Open a page. Requests to other servers are refused, and noted in `asked`."""
    page = browser.new_page(color_scheme=scheme)

    def outside(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route(
        lambda target: not target.startswith(("http://127.0.0.1", "data:", "blob:")), outside
    )
    page.goto(url)
    for number in range(page.locator(".diagram").count()):
        drawn = page.locator(".diagram").nth(number)
        expect(drawn).to_have_attribute("data-drawn", scheme, timeout=DRAWN_MS)
    return page


@pytest.mark.parametrize(
    ("name", "scheme"), [*((name, "light") for name in PAGES), (PAGES[0], "dark"), (LESSON, "dark")]
)
def test_page_is_accessible_and_asks_nobody(browser, address, name, scheme) -> None:
    asked: list[str] = []
    page = visit(browser, f"{address}/{name}", scheme, asked)
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    bad = [summary(one) for one in found["violations"] if one["impact"] in BAD]
    page.close()
    assert (bad, asked) == ([], [])


def summary(violation: dict[str, Any]) -> tuple[str, list[str]]:
    """The rule, and the first places where it is broken."""
    return violation["id"], [node["html"][:200] for node in violation["nodes"][:4]]


def test_a_diagram_is_drawn_with_its_description(browser, address) -> None:
    page = visit(browser, f"{address}/{LESSON}", "light", [])
    picture = page.locator(".diagram svg")
    assert picture.locator("title").first.text_content() == (
        "Producer, broker, worker and result backend"
    )
    assert picture.get_attribute("aria-describedby")
    page.close()


def test_search_finds_a_page(browser, address) -> None:
    page = visit(browser, f"{address}/index.html", "light", [])
    page.get_by_role("button", name="Search").first.click()
    page.keyboard.type("visibility timeout")
    found = page.get_by_role("option").first
    expect(found).to_contain_text("visibility timeout", ignore_case=True, timeout=DRAWN_MS)
    page.close()


def test_a_term_leads_to_its_definition(browser, address) -> None:
    page = visit(browser, f"{address}/{LESSON}", "light", [])
    term = page.locator("a.term", has_text="broker")
    assert term.count() == 1
    assert "stores messages" in term.get_attribute("title")
    term.click()
    assert page.url.endswith("docs/glossary.html#broker")
    page.close()


def test_a_page_is_printed_with_its_answers(browser, address) -> None:
    page = visit(browser, f"{address}/{LESSON}", "light", [])
    assert page.locator("details:not([open])").count() > 0
    assert page.pdf().startswith(b"%PDF")
    assert page.locator("article details:not([open])").count() == 0
    page.emulate_media(media="print")
    assert not page.locator(".md-header").is_visible()
    page.close()
