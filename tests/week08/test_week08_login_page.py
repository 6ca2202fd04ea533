"""The login in a real browser: sign in, see the page live, sign out, lose the key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bootcamp.stack import Stack
from tests.week07.browser import axe, browser, new_page
from tests.week08.keyed import Keyed, key_id, keyed

__all__ = ["axe", "browser", "new_page"]


@pytest.fixture(scope="module")
def api(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    with stack.isolated() as run, keyed(run, tmp_path_factory.mktemp("apps")) as api:
        yield api


def sign_in(page, api, key):
    page.goto(f"{api.url}/")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_a_person_signs_in_and_out(api, new_page):
    key = api.key("law-firm")
    page = new_page()
    sign_in(page, api, "bk_wrong")
    assert "not valid" in page.get_by_role("alert").inner_text()
    sign_in(page, api, key)
    page.get_by_role("status", name="Connection").get_by_text("Live").wait_for()
    assert key not in page.evaluate("document.cookie")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", False)
    page.goto(f"{api.url}/login")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{api.url}/")
    page.get_by_label("API key").wait_for()


def test_a_page_whose_key_is_revoked_goes_back_to_the_login(api, new_page):
    key = api.key("law-firm")
    page = new_page()
    sign_in(page, api, key)
    page.get_by_role("status", name="Connection").get_by_text("Live").wait_for()
    api.keys("revoke", key_id(key))
    page.get_by_label("API key").wait_for(timeout=20_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_is_usable_by_everybody(api, new_page, axe, scheme):
    page = new_page(color_scheme=scheme, viewport={"width": 360, "height": 640})
    page.goto(f"{api.url}/login")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe(page) == []
