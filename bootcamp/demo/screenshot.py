"""Takes the picture of the status page that the README shows.

    .venv/bin/python -m bootcamp.demo.screenshot docs/status_page.png

It starts the reference pipeline in a temporary folder, uploads the samples and a damaged file, searches,
and lets a browser take the picture. It needs Playwright, which a contributor's `make setup` installs, and
Chromium or Chrome.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx

from bootcamp import paths
from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.errors import BootcampError
from bootcamp.stack import find_or_start
from bootcamp.stack.apps import Apps
from bootcamp.stack.browser import ADVICE, find_browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WEEK = "7"
WIDTH, HEIGHT = 1200, 760
COLOURS = 240
SAMPLES = ("tide_notes.md", "letter_de.txt", "harbour_report.docx", "lighthouse_handbook.pdf")
DAMAGED = ("scan of the contract.pdf", b"%PDF-1.7 and no more")
QUESTION = "How is the lens cleaned?"
SECONDS = 60.0


def take(target: Path) -> None:
    """Write the picture to `target`.

    Raises:
        BootcampError: the pipeline did not start, or there is no browser.
    """
    layers = reference_layers(find_week(WEEK))
    with find_or_start() as stack, stack.isolated() as run, Apps(run.environment(), layers) as apps:
        with httpx.Client(base_url=str(apps.api_url), timeout=SECONDS, trust_env=False) as api:
            for name in SAMPLES:
                _submit(api, name, (paths.SAMPLES / name).read_bytes())
            _wait_for_all(api)
            _submit(api, *DAMAGED)
            _wait_for_all(api)
        _picture(str(apps.api_url), target)


def _submit(api: httpx.Client, name: str, content: bytes) -> None:
    api.post("/documents", files={"file": (name, content)}).raise_for_status()


def _wait_for_all(api: httpx.Client) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        jobs = api.get("/jobs").raise_for_status().json()["jobs"]
        if all(job["status"] not in ("pending", "processing") for job in jobs):
            return
        time.sleep(0.1)
    raise BootcampError("The documents were not processed in time.")


def _picture(url: str, target: Path) -> None:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        except Error as error:
            raise BootcampError("There is no browser to take the picture with.", ADVICE) from error
        size = {"width": WIDTH, "height": HEIGHT}
        page = browser.new_page(viewport=size, color_scheme="light", locale="en-GB")  # type: ignore[arg-type]
        page.goto(url)
        page.get_by_role("status", name="Connection").get_by_text("Live").wait_for()
        page.get_by_label("Search your documents").fill(QUESTION)
        page.get_by_role("button", name="Search").click()
        page.get_by_role("list", name="Search results").get_by_role("listitem").first.wait_for()
        page.get_by_role("list", name="Counts").get_by_text("5 total").wait_for()
        png = page.screenshot()
        browser.close()
    _save_small(png, target)


def _save_small(png: bytes, target: Path) -> None:
    """Save the picture with a palette of its own: a third of the size, and nobody sees it."""
    from io import BytesIO

    from PIL import Image

    target.parent.mkdir(parents=True, exist_ok=True)
    Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS).save(target, optimize=True)


if __name__ == "__main__":
    try:
        take(Path(sys.argv[1]))
    except BootcampError as problem:
        sys.exit(f"{problem.message} {problem.next_step}")
