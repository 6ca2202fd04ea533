"""Pages of the dashboard that are hostile to the browser, to the machine, or to the grader's eyes."""

from __future__ import annotations

import re

from tests.cheats.making import Cheat, of_family, solved

SCRIPT = "pipeline/dashboard/polling.js"
"""Every page loads it, so a line at its end runs before the page shows anything."""
LOOK = "pipeline/dashboard/dashboard.css"
OUTLINE = re.compile(
    r"/\* BEGIN SOLUTION 7\.5 \*/\n(?:/\* \? h\).*\n)(?:.*\n)*?/\* END SOLUTION \*/\n"
)


def page(script: str) -> dict[str, str]:
    """The reference, with a script that runs on every page."""
    files = solved("7")
    files[SCRIPT] += f"\n{script}\n"
    return files


def unseen(script: str) -> dict[str, str]:
    """The reference without an outline for the keyboard, and a script that hides that."""
    files = page(script)
    files[LOOK], count = OUTLINE.subn("", files[LOOK])
    assert count == 1
    return files


def script_without(name: str, item: str, place: int, body: str, script: str) -> dict[str, str]:
    """The reference with another body in one of an item's pieces, and a script that runs on every page."""
    files = page(script)
    blocks = re.compile(rf"(// BEGIN SOLUTION {item}\n)(?:.*\n)*?( *// END SOLUTION\n)")
    found = list(blocks.finditer(files[name]))[place]
    start, end = found.span()
    files[name] = f"{files[name][:start]}{found[1]}{body}\n{found[2]}{files[name][end:]}"
    return files


REBUILDS = """
  const items = [...list.children].filter((one) => one !== card.item).concat(card.item);
  list.replaceChildren(...items.sort((a, b) => (a.dataset.createdAt < b.dataset.createdAt ? 1 : -1)));
"""
NO_BAR = """
    try {
      await sendFile(file, () => {});
      row.item.remove();
      onAccepted();
    } catch (problem) {
      row.bar.remove();
      row.note.textContent = problem.message;
    }
"""
NEVER_MOVED = "Object.defineProperty(window, 'moved', { get: () => false, set() {} });"
ALWAYS_MOVING = "Object.defineProperty(window, 'bars', { get: () => [0.5], set() {} });"
OTHER_SYMBOLS = (
    "Object.defineProperty(Element.prototype, 'outerHTML', "
    "{ get() { return this.closest('article').querySelector('.word').textContent; } });"
)


def with_a_dark_frame() -> dict[str, str]:
    """The reference, which is as light as always on a dark ground that nobody sees."""
    files = solved("7")
    block = re.compile(r"(/\* BEGIN SOLUTION 7\.5 \*/\n)(?:.*\n)*?(/\* END SOLUTION \*/\n)")
    frame = """@media (prefers-color-scheme: dark) {
  html { background: #111; }
  body { background: transparent; }
  body > * { background: #fbfaf7; }
}
"""
    files[LOOK], count = block.subn(lambda it: f"{it[1]}{frame}{it[2]}", files[LOOK], count=1)
    assert count == 1
    return files


CHEATS = (
    *of_family(
        "harming",
        [
            Cheat(
                name="a-page-that-loops",
                loses=("7.1",),
                keeps=("7.2",),
                story="Never gives the browser its thread back.",
                says=("a script of the page never ends",),
                files=page("while (true);"),
            ),
            Cheat(
                name="a-page-of-dialogs",
                loses=("7.1",),
                keeps=("7.2",),
                story="Opens dialogs without end: after each answer the next one appears.",
                says=("expected",),
                files=page('while (true) alert("Look at me.");'),
            ),
            Cheat(
                name="a-page-that-floods-the-console",
                loses=("7.1",),
                story="Writes gigabytes into the console, and throws as many errors.",
                says=("the page, in a browser",),
                files=page(
                    'const flood = () => { for (let n = 0; n < 1e4; n++) console.log("x".repeat(1e4));'
                    ' setTimeout(flood); queueMicrotask(() => { throw new Error("x".repeat(1e5)); }); };'
                    " flood(); document.body.replaceChildren();"
                ),
            ),
            Cheat(
                name="a-page-that-eats-memory",
                loses=("7.1",),
                story="Fills the memory of its tab, and of the machine where nothing holds it.",
                says=("of memory together",),
                files=page(
                    "const all = []; while (true) all.push(new Uint8Array(1 << 24).fill(1));"
                ),
            ),
            Cheat(
                name="a-page-that-goes-away",
                loses=("7.1",),
                keeps=("7.2",),
                story="Leads the grader to another place, again and again.",
                says=("expected",),
                files=page('setInterval(() => { location.href = "/docs?" + Math.random(); }, 50);'),
            ),
        ],
    ),
    *of_family(
        "faking",
        [
            Cheat(
                name="a-page-that-says-that-nothing-moved",
                loses=("7.1",),
                keeps=("7.2",),
                story="Builds the whole list again for each new card, and writes into the note of the check "
                "that no card was moved.",
                says=("the same card",),
                files=script_without(
                    "pipeline/dashboard/cards.js", "7.1", 0, REBUILDS, NEVER_MOVED
                ),
            ),
            Cheat(
                name="a-bar-that-moves-in-the-notes-alone",
                loses=("7.4",),
                story="Never moves the bar of an upload, and writes a value into the note of the check.",
                says=("a bar that moves",),
                files=script_without(
                    "pipeline/dashboard/actions.js", "7.4", 0, NO_BAR, ALWAYS_MOVING
                ),
            ),
            Cheat(
                name="a-dark-ground-that-nobody-sees",
                loses=("7.5",),
                story="Where the system is dark, only the ground behind the page is dark.",
                says=("a dark page",),
                files=with_a_dark_frame(),
            ),
            Cheat(
                name="symbols-that-nobody-sees",
                loses=("7.5",),
                story="Shows no symbol of a state. An element describes itself by the word beside it.",
                says=("symbol",),
                files=script_without(
                    "pipeline/dashboard/cards.js",
                    "7.5",
                    0,
                    '  card.find(".word").textContent = status;',
                    OTHER_SYMBOLS,
                ),
            ),
            Cheat(
                name="a-page-that-paints-for-the-grader",
                loses=("7.5",),
                story="Has no outline for the keyboard, and replaces the function that would say so.",
                says=("clear outline",),
                files=unseen(
                    "const see = window.getComputedStyle.bind(window);"
                    " window.getComputedStyle = (one) => new Proxy(see(one), { get: (style, name) =>"
                    ' ({ outlineStyle: "solid", outlineWidth: "3px", outlineColor: "rgb(0, 0, 0)" })[name]'
                    " ?? style[name] });"
                ),
            ),
        ],
    ),
)
