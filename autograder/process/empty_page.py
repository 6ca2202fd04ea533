"""Empties a page of the browser for the next check."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORGET = "sessionStorage.clear(); window.name = ''"


def emptied(page: Page) -> bool:
    """Leave the document, and delete what it has stored. False: something is left, so close the page."""
    profile, place = page.context, urlsplit(page.url)
    if place.netloc:
        # An empty document of the same server keeps the process, which has its scripts compiled.
        origin = f"{place.scheme}://{place.netloc}"
        page.route("**/*", lambda route: route.fulfill(content_type="text/html", body=""))
        page.goto(origin)
        page.evaluate(FORGET)
        devtools = profile.new_cdp_session(page)
        devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        devtools.detach()
    else:
        page.goto("about:blank")
    page.unroute_all(behavior="ignoreErrors")
    profile.clear_cookies()
    return profile.pages == [page] and not profile.service_workers
