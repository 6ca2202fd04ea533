"""Every link of the built site leads somewhere, and nothing is loaded from outside."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from bootcamp import paths
from bootcamp.authoring.lesson_pages import lesson_pages
from bootcamp.authoring.site_nav import all_entries, week_minutes
from bootcamp.authoring.site_pages import site_address
from bootcamp.course.weeks import all_weeks
from tests.site.conftest import REPOSITORY

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
START = "index.html"


class Html(HTMLParser):
    """The links, ids and loaded files of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids.add(values.get("id") or "")
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in LOADED and values.get(LOADED[tag]):
            self.loaded.append(values[LOADED[tag]])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Html]:
    """The pages that a reader reaches from the first one, by their address."""
    found: dict[str, Html] = {}
    waiting = [START]
    while waiting:
        name = waiting.pop()
        if name in found or not name.endswith(".html"):
            continue
        found[name] = Html((site / name).read_text(encoding="utf-8"))
        waiting += [target(name, link)[0] for link in found[name].links if inside(link)]
    return found


def inside(link: str) -> bool:
    return not urlsplit(link).scheme and not link.startswith("//")


def target(page: str, link: str) -> tuple[str, str]:
    """The file and the anchor that a link of a page names."""
    parts = urlsplit(urljoin(f"http://site/{page}", link))
    path = unquote(parts.path).removeprefix("/")
    return (f"{path}{START}" if path.endswith("/") or not path else path), unquote(parts.fragment)


def test_every_page_is_reached(pages: dict[str, Html]) -> None:
    names = {site_address(entry.path.relative_to(paths.ROOT).as_posix()) for entry in all_entries()}
    assert names <= set(pages)
    assert {f"lessons/{week}/index.html" for week in all_weeks()} <= names


def test_every_link_leads_to_a_file_and_an_anchor(site: Path, pages: dict[str, Html]) -> None:
    broken = []
    for page, content in pages.items():
        for link in filter(inside, content.links + content.loaded):
            name, anchor = target(page, link)
            known = pages.get(name)
            if not (site / name).is_file() or (known and anchor and anchor not in known.ids):
                broken.append(f"{page} -> {link}")
    assert broken == []


def test_nothing_is_loaded_from_outside(pages: dict[str, Html]) -> None:
    assert [url for one in pages.values() for url in one.loaded if not inside(url)] == []


def test_each_page_can_be_edited(pages: dict[str, Html]) -> None:
    for entry in all_entries():
        name = entry.path.relative_to(paths.ROOT).as_posix()
        assert f"{REPOSITORY}/edit/main/{name}" in pages[site_address(name)].links


def test_the_navigation_names_the_minutes(site: Path) -> None:
    text = (site / START).read_text(encoding="utf-8")
    for week in all_weeks():
        assert f"({week_minutes(week)} min)" in text
        for lesson in lesson_pages(week):
            assert f"({lesson.minutes} min)" in text
