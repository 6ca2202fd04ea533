"""7.5: everybody can use the page: with a screen reader, with the keyboard, with any eyes.

Promises checked here, by their letters in the TODOs: a (the announcer), b (the label), c (`showState`),
d (`setButton`), e and f (`sentence`).

What a submission could fake:
- counts: nothing is counted.
- witness: symbols, buttons and the focus are looked at from a world of the grader's own (`beside.py`).
- place: names, states and numbers of jobs are random, and all states are tried.
- store: whether the page is dark is seen in a picture of it, and not in one style alone.
- probe: `sentence` can notice that it is called beside the page. What is announced is looked for on the
  whole page.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from autograder.week07_dashboard.board import Board, View, name_of, newer, view

pytestmark = pytest.mark.item("7.5")

STATES = ("pending", "processing", "completed", "failed", "cancelled")
ENDS = ("completed", "failed", "cancelled")
LABEL = "Search your documents"
SENTENCE = """async (news) => {
  const { sentence } = await import("/dashboard/announce.js");
  return sentence(news);
}"""
PLACES = """[...document.querySelectorAll("[aria-live=polite], [role=status]")]
  .filter((one) => one.getAttribute("aria-live") !== "off" && !one.closest("[hidden], [aria-hidden=true]"))
  .filter((one) => getComputedStyle(one).display !== "none")
  .map((one) => ({ text: one.textContent.replace(/\\s+/g, " ").trim(), seen: one.clientWidth > 4 }))"""
ON_CANCEL = """card => {
  const place = document.activeElement;
  return card.contains(place) && place.matches("button, [role=button]") && /Cancel/.test(place.textContent);
}"""
SYMBOL = """card => {
  const seen = [...card.querySelectorAll("svg, img")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width >= 8 && box.height >= 8 && getComputedStyle(one).visibility === "visible";
  });
  return seen.map((one) => one.outerHTML).join("");
}"""


def start(board: Callable[..., Board], *jobs: View) -> Board:
    """A page that has shown these jobs. Its timers run when the check says so."""
    page = board(*jobs).go()
    page.run(1.5)
    for job in jobs:
        card = page.card(name_of(job))
        page.must("the page", f"{name_of(job)!r}", card.count, lambda: "no such article", "see 7.1")
    return page


def test_sentences(board: Callable[..., Board], rng: Random) -> None:
    """e, f: up to three jobs by name, and more than that by number."""
    page = board().go_beside("announce.js")
    number = rng.randint(10, 99)
    for count in (1, 2, 3):
        news = [{"name": f"d{number + n}.pdf", "status": rng.choice(ENDS)} for n in range(count)]
        wanted = " ".join(f"{one['name']}: {one['status']}." for one in news)
        check_sentence(
            page, news, [wanted], "up to `MOST_NAMES` jobs: each with its name and state"
        )
    for counts in ({"failed": 1, "completed": rng.randint(4, 9)}, {"cancelled": 4}):
        statuses = [status for status, many in counts.items() for _ in range(many)]
        rng.shuffle(statuses)
        news = [{"name": f"d{n}.pdf", "status": status} for n, status in enumerate(statuses)]
        parts = [f"{n} job{'' if n == 1 else 's'} {status}." for status, n in counts.items()]
        cause = "more than `MOST_NAMES`: how many of each state, such as `5 jobs completed.`"
        check_sentence(page, news, [" ".join(parts), " ".join(reversed(parts))], cause)


def check_sentence(page: Board, news: list[dict[str, str]], allowed: list[str], cause: str) -> None:
    got = page.call(SENTENCE, news)
    if got not in allowed:
        states = [one["status"] for one in news]
        page.fail(f"sentence() of {len(news)} jobs: {states}", allowed[0], got, cause)


def test_announced(board: Callable[..., Board], rng: Random) -> None:
    """a, e: the end of a job is written into a place that is announced politely and not seen."""
    jobs = [view(rng, "processing", step="parse") for _ in range(2)]
    page = start(board, *jobs)
    ends = rng.sample(ENDS, 2)
    page.jobs = [newer(job, end) for job, end in zip(jobs, ends, strict=True)]
    page.run(3.5)
    page.run(2)
    parts = [f"{name_of(job)}: {end}." for job, end in zip(jobs, ends, strict=True)]

    def heard() -> list[Any]:
        return [
            one for one in page.look(PLACES) or [] if all(part in one["text"] for part in parts)
        ]

    cause = (
        "an element with the id `announcer` and `aria-live=polite`, in which `sentence` is written. It must "
        "not be `hidden`: the class `visually-hidden` hides it visually only"
    )
    sent = "two jobs that end"
    page.must(sent, f"an announcement: {' '.join(parts)}", heard, lambda: page.look(PLACES), cause)
    if any(one["seen"] for one in heard()):
        cause = "the cards show it already: the class `visually-hidden` hides it visually only"
        page.fail(sent, "an announcement that is heard and not seen", "it is on the page", cause)


def test_all_states(board: Callable[..., Board], rng: Random) -> None:
    """b, c, d: the search field's label; the words and symbols of the states; the buttons."""
    jobs = [view(rng, status) for status in STATES]
    page = start(board, *jobs)
    check_label(page, rng)
    symbols = check_states(page, jobs)
    check_buttons(page, jobs)
    check_shown(page, newer(jobs[1], "failed"), jobs, symbols["failed"])


def check_label(page: Board, rng: Random) -> None:
    """The search field has a label that stays."""
    field = page.page.get_by_role("searchbox", name=LABEL, exact=True)
    sent, cause = (
        "the search field",
        "a `label` for it that everybody can see: a placeholder goes when somebody types",
    )
    if field.count() != 1:
        page.fail(sent, f"the name {LABEL!r}", "another name, or none", cause)
    field.fill("".join(rng.choices("abc", k=6)))
    seen = page.page.get_by_text(LABEL, exact=True)
    boxes = [seen.nth(n).bounding_box() for n in range(seen.count())]
    if not any(box and box["width"] > 40 and box["height"] > 8 for box in boxes):
        page.fail(sent, f"{LABEL!r} can be seen while somebody types", "it cannot be seen", cause)


def check_states(page: Board, jobs: list[View]) -> dict[str, str]:
    """Each state is a word and a symbol of its own, so that no colour has to be seen. Gives the symbols."""
    symbols: dict[str, str] = {}
    for job in jobs:
        card, status = page.card(name_of(job)), str(job["status"])
        words = page.text(card).lower().replace(name_of(job), "").split()
        if status not in words:
            cause = "`showState` writes the state as a word: a colour says nothing to many people"
            page.fail(f"a job that is {status}", f"the word {status}", page.text(card), cause)
        symbols[status] = str(page.look_at_card(name_of(job), SYMBOL) or "")
    if not all(symbols.values()) or len(set(symbols.values())) < len(STATES):
        cause = "`showState` sets the `href` of `use` to the symbol of the state"
        alike = [state for state, one in symbols.items() if list(symbols.values()).count(one) > 1]
        got = f"no symbol, or the same one: {alike or [s for s, one in symbols.items() if not one]}"
        page.fail("jobs in all states", "a symbol for each, another one each time", got, cause)
    return symbols


def check_shown(page: Board, after: View, jobs: list[View], symbol: str) -> None:
    """Word and symbol follow the job."""
    page.jobs = [after if one["job_id"] == after["job_id"] else one for one in jobs]
    page.run(3.5)
    card = page.card(name_of(after))

    def right() -> bool:
        seen = page.look_at_card(name_of(after), SYMBOL)
        return "failed" in page.text(card).lower() and seen == symbol

    cause = "`showState` is called at each change, and sets both"
    page.must("a job that fails", "its word and symbol", right, lambda: page.text(card), cause)


def buttons(page: Board, job: View) -> list[str]:
    """Which buttons somebody finds on a card."""
    card = page.card(name_of(job))
    found = ("Cancel", "Replay")
    return [
        one for one in found if card.get_by_role("button", name=f"{one} {name_of(job)}").count()
    ]


def check_buttons(page: Board, jobs: list[View]) -> None:
    """Only the buttons that make sense, for the keyboard and for screen readers too."""
    for job in jobs:
        wanted = {"pending": ["Cancel"], "processing": ["Cancel"], "failed": ["Replay"]}
        expected = wanted.get(str(job["status"]), [])
        if (got := buttons(page, job)) != expected:
            cause = "`setButton` sets `hidden`, and takes it away again"
            page.fail(f"a job that is {job['status']}", f"the buttons {expected}", got, cause)


def test_focus(board: Callable[..., Board], rng: Random) -> None:
    """d: who is on a button that goes stays on its card; who is elsewhere stays there."""
    jobs = [view(rng, "processing", step="parse") for _ in range(2 * len(ENDS))]
    page = start(board, *jobs)
    for number, end in enumerate(rng.sample(ENDS, len(ENDS))):
        check_focus(page, 2 * number, end, by_mouse=number == 0)


def check_focus(page: Board, place: int, end: str, by_mouse: bool) -> None:
    """The job at `place` goes on and ends while its button has the focus, and its neighbour ends before.

    After a click with the mouse the button has the focus too, but no browser shows it then.
    """
    job, other = page.jobs[place : place + 2]
    button = page.card(name_of(job)).get_by_role("button", name="Cancel")
    button.click() if by_mouse else button.focus()
    job, other = newer(job, "processing", 60, step="embed"), newer(other, end)
    page.jobs[place : place + 2] = job, other
    page.run(3.5)
    page.until(lambda: not buttons(page, other) or end == "failed")
    if not page.look_at_card(name_of(job), ON_CANCEL):
        cause = (
            "a card that changes keeps its elements, and moves the focus of no other button: look whether "
            "the button that is hidden has the focus"
        )
        page.fail(
            "changes, while a button has the focus", "the button keeps it", _focus(page), cause
        )
    page.jobs[place] = newer(job, end)
    page.run(3.5)
    page.until(lambda: "Cancel" not in buttons(page, job))
    on_card = page.look_at_card(name_of(job), "card => card.contains(document.activeElement)")
    if "Cancel" in buttons(page, job) or not on_card:
        cause = "before the button is hidden, move the focus to the card's `article`"
        sent = f"a job is {end} while its button Cancel has the focus"
        sent += ", after a click with the mouse" if by_mouse else ""
        page.fail(sent, "the focus is on its card", _focus(page), cause)


def _focus(page: Board) -> Any:
    return page.look("(document.activeElement?.tagName ?? 'nothing') + ' has the focus'")
