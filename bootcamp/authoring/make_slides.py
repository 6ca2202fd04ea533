"""Slides of a week as HTML and PDF: `make slides WEEK=3`.

    python -m bootcamp.authoring.make_slides 3

Mermaid draws the pictures in a browser, and Marp makes the files. Both are installed by npm below
`tests/`, once. Nothing that this command writes is in the repository.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

from bootcamp import paths
from bootcamp.authoring.slides import deck, pictures
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import BootcampError
from bootcamp.files import shown
from bootcamp.stack.browser import ADVICE, find_browser

OUT = paths.ROOT / ".bootcamp" / "slides"
MARP = paths.ROOT / "tests" / "teaching" / "marp"
MERMAID = paths.ROOT / "tests" / "lessons" / "mermaid"
PROGRAM = MARP / "node_modules" / ".bin" / "marp"
SCRIPT = MERMAID / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
MARP_SECONDS = 300.0
"""How long Marp may take for one file. A PDF of 150 slides needs about half a minute."""
WIDTH, HEIGHT, SCALE = 1180, 900, 2
"""Size of the page in which a picture is drawn, in pixels, and how much sharper it is saved."""
TALL = 0.8
"""Height of a picture, in widths, above which it becomes too small on a slide."""
DOWNWARD = re.compile(r"flowchart (?:TB|TD)\b")
DRAW = """async ([name, text]) => {
    document.getElementById("box").innerHTML = (await mermaid.render(name, text)).svg;
}"""


def write_markdown(week: Week, folder: Path) -> Path:
    """Write the week's slides in Markdown, and their pictures beside them.

    Raises:
        BootcampError: there is no Mermaid or no browser.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = list(dict.fromkeys(pictures(week)))
    names = {text: f"week{week.number:02}_{number}.png" for number, text in enumerate(texts, 1)}
    if names:
        with _drawing_board() as board:
            for text, name in names.items():
                _draw(board, text, folder / name)
    path = folder / f"week{week.number:02}.md"
    path.write_text(
        deck(week, lambda text, words: f"![{_alt(words)}]({names[text]})"), encoding="utf-8"
    )
    return path


def render(source: Path) -> Iterator[Path]:
    """Make HTML and PDF of slides in Markdown, and yield each file when it is there.

    Raises:
        BootcampError: npm has not installed Marp, there is no browser, or Marp fails.
    """
    _require(PROGRAM, MARP)
    for suffix, options in {".html": (), ".pdf": ("--pdf", "--pdf-notes")}.items():
        target = source.with_suffix(suffix)
        _run([str(PROGRAM), str(source), "--allow-local-files", *options, "--output", str(target)])
        yield target


def _run(command: list[str]) -> None:
    # Chromium's sandbox does not work for root. The slides are ours, and no other page is opened.
    root = {"CHROME_NO_SANDBOX": "1"} if os.geteuid() == 0 else {}
    env = {**os.environ, **root, "CHROME_PATH": str(find_browser() or "")}
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MARP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BootcampError(f"Marp took longer than {MARP_SECONDS:g} seconds.") from error
    if done.returncode:
        raise BootcampError(f"Marp failed:\n{done.stderr[-2000:]}", "Is there a browser? " + ADVICE)


def _require(path: Path, folder: Path) -> None:
    if not path.is_file():
        raise BootcampError(
            f"{shown(path)} is missing.",
            f"Run `npm ci --prefix {shown(folder)}` once, with a network.",
        )


@contextmanager
def _drawing_board() -> Iterator[Page]:
    _require(SCRIPT, MERMAID)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
            )
        except Error as error:
            raise BootcampError("There is no browser to draw the pictures.", ADVICE) from error
        size = {"width": WIDTH, "height": HEIGHT}
        page = browser.new_page(viewport=size, device_scale_factor=SCALE)  # type: ignore[arg-type]
        page.set_content(f'<div id="box" style="width: {WIDTH - 40}px"></div>')
        page.add_script_tag(path=SCRIPT)
        page.evaluate("mermaid.initialize({startOnLoad: false})")
        yield page
        browser.close()


def _draw(page: Page, text: str, target: Path) -> None:
    """Save a picture. A flowchart that is too tall for a slide is drawn from left to right."""
    page.evaluate(DRAW, [target.stem, text])
    picture = page.locator("#box svg")
    box = picture.bounding_box() or {"width": 1, "height": 1}
    if box["height"] > TALL * box["width"] and DOWNWARD.match(text):
        page.evaluate(DRAW, [target.stem, DOWNWARD.sub("flowchart LR", text, count=1)])
    picture.screenshot(path=target)


def _alt(words: str) -> str:
    return words.replace("[", "(").replace("]", ")")


def main() -> None:
    """Make the slides of a week, and print the files."""
    parser = argparse.ArgumentParser(
        prog="python -m bootcamp.authoring.make_slides", description=__doc__
    )
    parser.add_argument("week", help="3, 03 or week03_pipeline")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the files")
    options = parser.parse_args()
    try:
        _require(PROGRAM, MARP)
        for path in render(write_markdown(find_week(options.week), options.out)):
            print(f"wrote {shown(path)}")
    except BootcampError as error:
        sys.exit(f"{error.message}\n{error.next_step}")


if __name__ == "__main__":
    main()
