"""The status page for tests: fixtures of one module, and how to find things on the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.week07.conftest import serving


@pytest.fixture(scope="module")
def run(stack):
    with stack.isolated() as run:
        yield run


@pytest.fixture(scope="module")
def api(run, tmp_path_factory):
    with serving(run, tmp_path_factory.mktemp("apps"), EVENTS_RETRY_SECONDS="0.5") as api:
        yield api


@pytest.fixture
def page(api, new_page) -> Iterator[Page]:
    """The page, live. A dialog, an error in a script or a refused file fails the test."""
    page = new_page()
    page.goto(str(api.http.base_url))
    expect(connection(page)).to_have_text("Live")
    yield page
    assert page.problems == []


def connection(page):
    return page.get_by_role("status", name="Connection")


def card(page, name):
    return page.get_by_role("article", name=name, exact=True)


def choose(page, *files):
    page.get_by_label("Choose documents").set_input_files(list(files))


def of(name, text=b"The keeper lit the lamp."):
    return {"name": name, "mimeType": "text/plain", "buffer": text}


def requests_of(page):
    """The paths that the page asks for, from now on."""
    seen = []
    page.on(
        "request", lambda request: seen.append(request.url.partition("//")[2].partition("/")[2])
    )
    return seen
