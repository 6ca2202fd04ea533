"""Every link inside the repository leads somewhere: the file is there, and so is the heading."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

from bootcamp import paths
from bootcamp.authoring.pages import Page, course_pages

LINKS = [
    pytest.param(page, link, id=f"{page} -> {link}")
    for page in course_pages()
    for link in page.links()
    if not urlsplit(link).scheme
]


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_link_resolves(page: Page, link: str) -> None:
    path, _, anchor = unquote(link).partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    assert target.is_relative_to(paths.ROOT), "A link leaves the repository."
    assert target.exists()
    if anchor and target.suffix == ".md":
        assert anchor in Page.read(target).anchors()
