"""Every Mermaid picture of the repository is drawn, by Mermaid itself, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page

from bootcamp.authoring.pages import Block, course_pages
from tests.browser import chromium
from tests.parts import missing

FOLDER = Path(__file__).parent / "mermaid"
SCRIPT = FOLDER / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
PICTURES = [block for page in course_pages() for block in page.blocks("mermaid")]
DRAW = """async ([name, text]) => {
    const box = document.getElementById("box");
    box.innerHTML = (await mermaid.render(name, text)).svg;
    const size = box.querySelector("svg").getBoundingClientRect();
    return {kind: box.querySelector("svg").getAttribute("aria-roledescription"),
            width: size.width, height: size.height, text: box.textContent};
}"""


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    """One browser with Mermaid loaded, for all pictures."""
    if not SCRIPT.is_file():
        missing("Mermaid is missing. Run `npm ci --prefix tests/lessons/mermaid`.")
    with chromium() as browser:
        page = browser.new_page()
        page.set_content('<div id="box" style="width: 900px"></div>')
        page.add_script_tag(path=SCRIPT)
        page.evaluate("mermaid.initialize({startOnLoad: false})")
        yield page


@pytest.mark.parametrize("block", PICTURES, ids=lambda block: block.place)
def test_picture_is_drawn(block: Block, browser_page: Page) -> None:
    try:
        drawn = browser_page.evaluate(DRAW, [f"picture{block.line}", block.text])
    except Error as error:
        pytest.fail(f"Mermaid refuses the picture at {block.place}:\n{error.message}")
    assert drawn["kind"] != "error"
    assert "Syntax error" not in drawn["text"]
    assert drawn["width"] > 50
    assert drawn["height"] > 20


def test_a_broken_picture_is_refused(browser_page: Page) -> None:
    with pytest.raises(Error):
        browser_page.evaluate(DRAW, ["broken", "flowchart LR\n  a --> --> b"])
