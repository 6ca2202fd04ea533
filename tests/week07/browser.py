"""Pages in a real browser, and axe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page

from tests.browser import chromium

BAD = {"serious", "critical"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a module."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`new_page(color_scheme="dark")` opens a page. `problems` has what went wrong in its scripts."""
    contexts = []

    def make(**options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        problems: list[str] = []

        def dismiss(dialog: Dialog) -> None:
            problems.append(dialog.message)
            dialog.dismiss()

        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", dismiss)
        page.on(
            "console",
            lambda said: problems.append(said.text) if "Content Security" in said.text else None,
        )
        page.problems = problems  # type: ignore[attr-defined]
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def axe() -> Callable[[Page], list[dict[str, Any]]]:
    """What axe finds on a page that is serious or critical."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")

    def judge(page: Page) -> list[dict[str, Any]]:
        page.evaluate(source)  # not as a script of the page: its policy would refuse it
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [one for one in found["violations"] if one["impact"] in BAD]

    return judge
