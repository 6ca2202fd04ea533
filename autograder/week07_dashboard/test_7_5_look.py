"""7.5: the page can be read in light and dark, by the keyboard, on a phone; axe finds nothing serious.

Promises checked here, by their letters in the TODOs: g (dark mode), h (the outline), i (360 px, and 200 %).
Axe also looks at names, roles and labels (a, b).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from random import Random

import pytest

from autograder.week07_dashboard.board import Board, name_of, view

pytestmark = pytest.mark.item("7.5")

BAD = ("serious", "critical")
NARROW = 360
ZOOMED = 640
"""What a zoom of 200 % leaves of 1,280 px."""
FOUND = 3
"""Findings of axe that a card shows."""
STATES = ("pending", "processing", "completed", "failed", "cancelled")
RUN_AXE = """(async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map((one) => ({
    id: one.id, impact: one.impact, help: one.help, where: one.nodes[0]?.html ?? "",
  }));
})()"""
DARKNESS = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = "#fff";
  canvas.fillRect(0, 0, 1, 1);
  for (const one of [document.documentElement, document.body]) {
    canvas.fillStyle = getComputedStyle(one).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
  }
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
})()"""
BRIGHTNESS = """async (picture) => {
  const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const { data } = canvas.getImageData(0, 0, image.width, image.height);
  let sum = 0;
  for (let n = 0; n < data.length; n += 4) {
    sum += 0.2126 * data[n] + 0.7152 * data[n + 1] + 0.0722 * data[n + 2];
  }
  return sum / (data.length / 4);
}"""
"""The mean brightness of a picture of the page, from 0 to 255. A style says less than what somebody sees."""
DARKEST_LIGHT = 100
END_TRANSITIONS = """document.getAnimations().forEach((one) => {
  if (one instanceof CSSTransition) one.finish();
})"""
"""A page may fade to other colours. What counts is how it looks then."""
SHADOWS = """(() => {
  window.shadows = new Map();
  for (const one of document.querySelectorAll("*")) window.shadows.set(one, getComputedStyle(one).boxShadow);
})()"""
"""Notes the shadows without the focus: an outline may be a shadow, but not one that is always there."""
OUTLINE = """(() => {
  const place = document.activeElement;
  if (!place || place === document.body) return null;
  const shown = (one) => {
    const style = getComputedStyle(one);
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const see = style.outlineColor !== "rgba(0, 0, 0, 0)" && style.outlineColor !== "transparent";
    const box = one.getBoundingClientRect();
    const shadow = style.boxShadow !== "none" && style.boxShadow !== window.shadows.get(one);
    return (ring && see || shadow) && box.width > 8 && box.height > 8;
  };
  const all = [place, ...(place.labels ?? [])];
  window.first ??= place;
  const again = window.first === place && Boolean(window.left);
  window.left ||= window.first !== place;
  const clear = all.some(shown);
  return { again, clear, name: place.getAttribute("aria-label") || place.id || place.innerText };
})()"""
MOST_TABS = 40


def filled(board: Callable[..., Board], rng: Random) -> Board:
    """A page in light mode with a job in each state, numbers, and the hits of a search."""
    damaged = {"type": "damaged", "message": "The document is damaged."}
    jobs = [
        view(rng, one, step="embed", percent=55, error=damaged if one == "failed" else None)
        for one in STATES
    ]
    page = board(*jobs).prefer("light")
    counts = dict.fromkeys(STATES, 1)
    page.answers["GET", "/stats"] = 200, {"total": 5, "by_status": counts, "complete": True}
    text = "The keeper lit the lamp at dusk."
    hit = {"document_id": "1", "filename": "log.pdf", "page": 3, "text": text, "score": 0.5}
    page.answers["GET", "/search"] = 200, {"query": "q", "results": [hit]}
    page.go()
    page.run(1.5)
    cards = page.page.get_by_role("article")
    page.must(
        "the page", "five cards", lambda: cards.count() == len(STATES), cards.count, "see 7.1"
    )
    field = page.page.get_by_role("searchbox")
    field.fill("lamp")
    field.press("Enter")
    page.settle()
    return page


def test_light_and_dark(board: Callable[..., Board], rng: Random) -> None:
    """g, h: what axe finds in both modes; a person who uses Tab sees where they are; where the system becomes
    dark the page is dark.
    """
    page = filled(board, rng)
    check_axe(page, "light")
    check_keyboard(page)
    page.prefer("dark").look(END_TRANSITIONS)
    if max(float(page.look(DARKNESS)), brightness(page)) > DARKEST_LIGHT:
        cause = "`@media (prefers-color-scheme: dark)` gives the variables other colours"
        page.fail("the page, where the system is dark", "a dark page", "a light background", cause)
    check_axe(page, "dark")


def brightness(page: Board) -> float:
    """How bright a picture of the page is."""
    devtools = page.page.context.new_cdp_session(page.page)
    picture = devtools.send("Page.captureScreenshot", {"format": "png"})["data"]
    devtools.detach()
    found = page.look(f"({BRIGHTNESS})({json.dumps(picture)})")
    return float(found) if isinstance(found, int | float) else 255.0


def check_axe(page: Board, scheme: str) -> None:
    """Axe looks at contrast, names, roles and labels."""
    page.look(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    page.page.get_by_role("article").get_by_role("button").first.hover()  # its background changes
    page.look(END_TRANSITIONS)
    found = [one for one in page.look(RUN_AXE) if one.get("impact") in BAD]
    if found:
        shown = [f"{one['help']}: {str(one['where'])[:120]}" for one in found[:FOUND]]
        cause = {
            "color-contrast": "text needs a contrast of 4.5 to 1 on `--paper`, `--surface` and `--wash`",
            "label": "each field needs a label",
        }.get(str(found[0]["id"]), f"axe's rule {found[0]['id']} says how to correct it")
        sent = f"axe, on the page in {scheme} mode"
        page.fail(sent, "nothing serious or critical", "; ".join(shown), cause)


def check_keyboard(page: Board) -> None:
    """A person who goes from element to element with Tab sees where they are."""
    reached = []
    page.look("document.activeElement?.blur()")
    page.look(SHADOWS)
    for _ in range(MOST_TABS):  # once round the page: nobody knows where it begins
        page.page.keyboard.press("Tab")
        if (place := page.look(OUTLINE)) is None:
            continue
        if place["again"]:
            break
        reached.append(str(place["name"])[:60])
        if not place["clear"]:
            cause = (
                "`:focus-visible` needs an outline of 2 px at least; a hidden field's label has it"
            )
            page.fail(
                "Tab", "a clear outline on each element that has the focus", reached[-1], cause
            )
    fields = page.look("[...document.querySelectorAll('input, article button')].filter("
                       "one => one.checkVisibility?.() ?? true).length")  # fmt: skip
    if len(set(reached)) < int(fields):
        cause = "a field or a button is hidden, or its `tabindex` is negative"
        page.fail("Tab, again and again", f"{fields} fields and buttons", reached, cause)


def test_small_screens(board: Callable[..., Board], rng: Random) -> None:
    """i: a phone, and a window of 1,280 px at a zoom of 200 %: nothing scrolls sideways or is cut off."""
    name = f"{'a_name_without_any_space_' * 4}{rng.randint(10, 99)}.pdf"
    error = {"type": "x", "message": "It is damaged, " * 6}
    jobs = [view(rng, "failed", name=name, error=error), view(rng, "processing", step="embed")]
    page = board(*jobs).resize(NARROW).go()
    page.run(1.5)
    card = page.card(name)
    page.must("the page", "the card", lambda: card.count() == 1, lambda: "none", "see 7.1")
    check_width(page, NARROW)
    check_roomy(page, name_of(jobs[0]), NARROW)
    page.resize(ZOOMED, scale=2)
    check_width(page, ZOOMED)


def check_width(page: Board, width: int) -> None:
    wide = int(page.look("document.documentElement.scrollWidth"))
    if wide > width:
        cause = "let the parts of a card follow one another, and break long names"
        page.fail(f"a screen of {width} px", "no scrolling sideways", f"{wide} px wide", cause)


def check_roomy(page: Board, name: str, width: int) -> None:
    """The name uses the width of a phone: state and buttons are below it, and the margins are narrow."""
    heading = page.card(name).get_by_role("heading").first.bounding_box()
    if heading and heading["width"] < width * 0.7:
        cause = "below 40rem a card has one column, and the page narrow margins"
        got = f"{round(heading['width'])} px"
        page.fail(f"a screen of {width} px", "a name that has the width of the screen", got, cause)
