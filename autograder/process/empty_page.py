"""Empties a page of the browser for the next check."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page

SECONDS = 3.0
"""A page that still answers is left in a moment."""
DELETE = "sessionStorage.clear(); window.name = ''"


def emptied(page: Page) -> bool:
    """Leave the document, and delete what it has stored. False: something is left, so close the page."""
    from playwright.sync_api import Error

    profile = page.context
    try:
        _leave(page)
        profile.clear_cookies()
    except Error:  # it does not let go: it loops, or opens dialogs
        return False
    return profile.pages == [page] and not profile.service_workers


def _leave(page: Page) -> None:
    place = urlsplit(page.url)
    if not place.netloc:
        page.goto("about:blank", timeout=SECONDS * 1000)
        return
    # An empty document of the same server keeps the process, which has its scripts compiled.
    origin = f"{place.scheme}://{place.netloc}"
    page.route("**/*", lambda route: route.fulfill(content_type="text/html", body=""))
    page.goto(origin, timeout=SECONDS * 1000)
    page.evaluate(DELETE)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    devtools.detach()
    page.unroute_all(behavior="ignoreErrors")
