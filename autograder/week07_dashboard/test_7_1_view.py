"""7.1: the cards of the page show what the API says of each job.

Promises checked here, by their letters in the TODOs: a (`place`), b, c and d (`fill`).

What a submission could fake:
- counts: requests are counted by the grader, which answers them, and both more and fewer lose.
- witness: a page can write to `window` and replace functions of the browser. So what is on the page is
  looked at from a world of the grader's own (`beside.py`).
- place: names, ages, times and numbers are random.
- store: the document is compared, and whether a card was taken out of it meanwhile.
- probe: functions can notice that they are called beside the page. The whole page is judged too, with
  the same clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

import pytest

from autograder.week07_dashboard.board import Board, View, name_of, newer, view

pytestmark = pytest.mark.item("7.1")

TOP = "card => card.getBoundingClientRect().top"
VALUE = """card => {
  const bars = card.querySelectorAll("progress, [role=progressbar]");
  return bars.length === 1 ? Number(bars[0].getAttribute("aria-valuenow") ?? bars[0].value ?? -1) : -1;
}"""
WATCH = """card => {
  Object.assign(window, { kept: card, moved: false });
  const moved = (one) => [...one.removedNodes].some((node) => node.contains(card));
  const watch = new MutationObserver((seen) => { window.moved ||= seen.some(moved); });
  watch.observe(document.body, { childList: true, subtree: true });
}"""
"""Notes whether a card is taken out of the document, as it is when it is moved."""
STEPS = ("parse", "chunk", "embed", "index")
WAITING = "Waiting for a worker"
IN_WORDS = (
    "the name of a step alone does not say how far the job is, or that it waits. Write what "
    "`stepText(job)` returns"
)


def in_order(board: Board) -> list[str]:
    """The names of the page's cards, from top to bottom."""
    tops = {}
    for name in map(name_of, board.jobs):
        if isinstance(top := board.look_at_card(name, TOP), int | float):
            tops[name] = float(top)
    return sorted(tops, key=lambda name: tops[name])


def check_order(board: Board, sent: str) -> None:
    wanted = [
        name_of(one)
        for one in sorted(board.jobs, key=lambda one: str(one["created_at"]), reverse=True)
    ]
    board.must(
        sent,
        f"an article for each job, the newest first: {wanted}",
        lambda: in_order(board) == wanted,
        lambda: in_order(board),
        "`place` inserts before the first item that is older, or at the end; it compares times as text, "
        "because a `Date` has no microseconds",
    )


def twins(rng: Random) -> list[View]:
    """Two jobs of the same millisecond."""
    second = (datetime.now(UTC) - timedelta(seconds=50)).strftime("%Y-%m-%dT%H:%M:%S")
    milli, micros = rng.randint(0, 999), rng.sample(range(1, 999), 2)
    return [view(rng, created_at=f"{second}.{milli:03}{one:03}Z") for one in micros]


def test_order(board: Callable[..., Board], rng: Random) -> None:
    """a: the newest first, whenever it comes; and no card moves that is there already."""
    ages = rng.sample(range(100, 900, 50), 5)
    page = board(*[view(rng, age=age) for age in ages]).go()
    page.run(1.5)
    check_order(page, "five jobs")
    kept = name_of(page.jobs[rng.randrange(5)])
    page.look_at_card(kept, WATCH)
    page.jobs += [view(rng, age=age) for age in (1, 425, 980)] + twins(rng)
    page.run(3.5)
    sent = "more jobs: the newest, the oldest, one in the middle, and two of the same millisecond"
    check_order(page, sent)
    if page.look_at_card(kept, "card => window.kept === card && !window.moved"):
        return
    page.fail(
        "more jobs, while a card is on the page",
        "the same card, which stays where it is in the document",
        "the card was taken out, and put in again or replaced",
        "`place` moves no other item, and creates none again: a card that is moved loses the focus",
    )


def shows(board: Board, job: View, words: list[str], sent: str, cause: str) -> None:
    """The job's card has all of these words."""
    card = board.card(name_of(job))
    text = partial(board.text, card)
    board.must(
        sent,
        f"an article {name_of(job)!r} with {words}",
        lambda: all(word in text() for word in words),
        lambda: text() or "no such article",
        cause,
    )


def value_of(board: Board, job: View) -> float:
    """The value of a card's progress bar; -1: there is none."""
    value = board.look_at_card(name_of(job), VALUE)
    return float(value) if isinstance(value, int | float) else -1.0


def test_what_a_card_says(board: Callable[..., Board], rng: Random) -> None:
    """b, c, d: step and percent, as text and as the bar's value; the error; all of it as text. Again at
    each change.
    """
    step, percent = rng.randrange(3), rng.randint(3, 59)
    job = view(rng, "processing", step=STEPS[step], percent=percent)
    message = f"The document is damaged at byte {rng.randint(1000, 9999)}."
    failed = view(rng, "failed", error={"type": "damaged", "message": message})
    markup = marked_up(rng)
    waits = view(rng, "pending")
    page = board(job, failed, markup, waits).go()
    page.run(1.5)
    cause = "`fill` writes `.step` and `.percent`, and sets the value of the `progress`"
    check_progress(page, job, f"a job in step {STEPS[step]} at {percent} %", cause)
    shows(page, waits, [WAITING], "a job that is pending", IN_WORDS)
    error_cause = "`fill` writes the error's message, or nothing"
    shows(page, failed, [message], "a job that has failed", error_cause)
    check_text(page, markup)
    later = newer(job, "processing", percent + rng.randint(5, 30), step=STEPS[step + 1])
    page.jobs[:2] = later, newer(failed, "processing", error=None)
    page.run(3.5)
    check_progress(page, later, "the same job later", f"at each change, {cause}")
    text = partial(page.text, page.card(name_of(failed)))
    sent = "the same job, replayed: it has no error any more"
    page.must(sent, "no error", lambda: text() and message not in text(), text, error_cause)


def check_progress(page: Board, job: View, sent: str, cause: str) -> None:
    percent = job["progress"]["percent"]
    step = job["progress"]["step"]
    shows(page, job, [step, f"{percent} %"], sent, cause)
    shows(page, job, [f"Step {STEPS.index(step) + 1} of {len(STEPS)}: {step}"], sent, IN_WORDS)
    bar = value_of(page, job)
    if bar != percent:
        page.fail(sent, f"a progressbar with the value {percent}", bar, cause)


def marked_up(rng: Random) -> View:
    """A job whose name and error are markup."""
    number = rng.randint(100, 999)
    name = f"<img src=x onerror=alert({number})><b>bold{number}</b> &amp; co.txt"
    message = f"<script>alert({number})</script><a href='//evil.test'>click {number}</a> &lt;"
    return view(rng, "failed", name=name, error={"type": "x", "message": message})


def check_text(page: Board, job: View) -> None:
    cause = "set `textContent`: with `innerHTML` a file name becomes a part of the page"
    markup = "document.querySelectorAll('article img, article b, article script, article a').length"
    if found := page.look(markup):
        page.fail("a file name and an error that are markup", "text", f"{found} elements", cause)
    words = [name_of(job), job["error"]["message"]]
    shows(page, job, words, "a file name and an error that are markup", cause)
