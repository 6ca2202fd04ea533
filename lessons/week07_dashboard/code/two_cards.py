"""Two pages that look alike. Somebody uses them with the keyboard and a screen reader."""

from pathlib import Path

from browser import FOLDER, new_page
from playwright.sync_api import Page

FOCUSED = """() => {
    const one = document.activeElement;
    return one === document.body ? "nothing" : one.getAttribute("aria-label") || one.textContent.trim()
        || one.labels?.[0]?.textContent.trim() || "a field without a name";
}"""


def reached(page: Page) -> list[str]:
    """What the Tab key reaches, one after the other."""
    found = []
    for _ in range(4):
        page.keyboard.press("Tab")
        name = page.evaluate(FOCUSED)
        if name == "nothing":
            break
        found.append(name)
    return found


def focus_after_update(page: Page) -> str:
    """Where the focus is after the report has moved on, if it was on Cancel."""
    page.get_by_role("button", name="Cancel").focus()
    page.evaluate("update(45)")
    return str(page.evaluate(FOCUSED))


def look_at(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    print(f"{file.stem}:")
    print("  Tab reaches:", ", ".join(reached(page)))
    print("  focus after an update:", focus_after_update(page))
    state = page.get_by_text("processing")
    print("  the state is a word:", state.count() > 0)


def main() -> None:
    with new_page() as page:
        for name in ("careless.html", "careful.html"):
            look_at(page, FOLDER / name)


if __name__ == "__main__":
    main()
