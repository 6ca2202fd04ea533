"""7.4: upload, cancel, replay, search and numbers on the page.

Promises checked here, by their letters in the TODOs: e, f and g (`upload`), h and i (`perform`), j and k
(`showHits`), l (`showStats`).

What a submission could fake:
- counts: uploads and requests are counted by the grader, which answers them. How often rows are counted
  is seen in front of DynamoDB, because `as_of` is the submission's word.
- witness: what is on the page is looked at from a world of the grader's own (`beside.py`). The counts
  are those of rows that the grader has written.
- place: names, reasons and numbers are random.
- store: rows count, and messages in Redis do not. A count that does not use the index is not seen, and
  then the check fails.
- probe: functions can notice that they are called beside the page. Buttons, search and a large upload
  are judged on the whole page too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from autograder.week07_dashboard.board import Board, View, name_of, view

pytestmark = pytest.mark.item("7.4")

UPLOAD = """async (names) => {
  const { upload } = await import("/dashboard/actions.js");
  const list = document.createElement("ul");
  list.id = "uploads-of-the-check";
  document.body.append(list);
  let accepted = 0, busy = 0;
  const onAccepted = () => {
    accepted += 1;
    busy += 1;
    return new Promise((go) => setTimeout(() => { busy -= 1; go(); }, 2000));
  };
  const files = names.map((name) => new File(["x".repeat(1000)], name));
  let thrown = "";
  try { await upload(files, list, onAccepted); } catch (error) { thrown = String(error); }
  const waited = accepted > 0 && busy === 0;
  await new Promise((go) => setTimeout(go, 0));
  return { accepted, thrown, waited };
}"""
ROWS = """(() => {
  const list = document.getElementById("uploads-of-the-check");
  const rows = [...list.children].map((row) => row.innerText ?? row.textContent);
  return { rows, bars: list.querySelectorAll("progress").length };
})()"""
OFFER = """name => {
  const transfer = new DataTransfer();
  transfer.items.add(new File(["x".repeat(2000000)], name));
  window.bars = [];
  const see = () => document.querySelectorAll("progress")
    .forEach((bar) => bar.max === 1 && window.bars.push(bar.value));
  new MutationObserver(see)
    .observe(document.body, { subtree: true, childList: true, attributes: true });
  const field = document.querySelector("input[type=file]");
  field.files = transfer.files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}"""


TOO_EARLY = "too early"
HOLD_MS = 150
NUMBERS = """async (stats) => {
  const { showStats } = await import("/dashboard/stats.js");
  const id = "numbers-of-the-check";
  const list = document.getElementById(id) ?? document.body.appendChild(document.createElement("ul"));
  list.id = id;
  showStats(list, stats);
}"""
SHOWN = """[...document.getElementById("numbers-of-the-check").children]
  .map((one) => one.innerText.split(/\\s+/).join(" ").trim())"""


def answer_uploads(page: Board, refused: dict[str, str]) -> list[str]:
    """Accept every upload but those that are refused, with their reasons. Gives the names seen.

    The first one gets its answer after a moment. What comes meanwhile is seen as "too early".
    """
    seen: list[str] = []
    answered = False

    def answer(route: Any) -> None:
        nonlocal answered
        body = route.request.post_data_buffer or b""
        name = next((one for one in refused if one.encode() in body), "")
        if seen and not answered:
            seen.append(TOO_EARLY)
        else:
            seen.append(name or "accepted")
        if len(seen) == 1:
            page.page.wait_for_timeout(HOLD_MS)
            answered = True
        if name:
            route.fulfill(status=415, json={"type": "x", "detail": refused[name]})
        else:
            route.fulfill(status=202, json={"job_id": "x"})

    page.page.route("**/documents", answer)
    return seen


def test_several_files(board: Callable[..., Board], rng: Random) -> None:
    """e, f, g: one file after the other: what is accepted goes, and what is refused says why."""
    number = rng.randint(100, 999)
    reason = f"<b>No</b> document of kind {number}."
    names = [
        f"one{number}.txt",
        f"bad{number}.png",
        f"two{number}.txt",
        f"off{number}.exe",
        "z.txt",
    ]
    page = board().go_beside("actions.js")
    refused = {names[1]: reason, names[3]: f"Too large by {number}."}
    seen = answer_uploads(page, refused)
    got = {**page.call(UPLOAD, names), "rows": [], "bars": 0, **(page.look(ROWS) or {})}
    sent = "upload() of five files, of which the second and the fourth are refused"
    if TOO_EARLY in seen:
        cause = "wait for the answer to a file before the next one is sent (`await sendFile(…)`)"
        result = f"{1 + seen.count(TOO_EARLY)} at the same time"
        page.fail(sent, "one request after the other", result, cause)
    if got["thrown"] or len(seen) != 5:
        cause = "catch the `Problem` of one file, and go on with the next"
        result = got["thrown"] or f"{len(seen)} were sent"
        page.fail(sent, "all five are sent, and nothing is thrown", result, cause)
    if got["accepted"] != 3:
        cause = "call `onAccepted` after each document that was accepted, and only then"
        page.fail(sent, "onAccepted called 3 times", got["accepted"], cause)
    if got["waited"]:
        cause = "call `onAccepted` without `await`: nobody waits for the list of jobs that it reads"
        result = "upload() waited for it before the next file"
        page.fail(sent, "onAccepted is called, and upload() goes on at once", result, cause)
    rows = [str(one) for one in got["rows"]]
    wanted = list(refused.items())
    done = "remove `row.item` of a file that was accepted; else write the message in `row.note`"
    if len(rows) > 2:
        page.fail(sent, f"two rows, of the refused files: {wanted}", rows, done)
    if got["bars"]:
        cause = "remove `row.bar` of a refused file: the style sheet hides its message as long as it is there"
        page.fail(sent, "no progress bar when all is done", f"{got['bars']}", cause)
    if len(rows) != 2 or any(
        name not in shown or why not in shown
        for (name, why), shown in zip(wanted, rows, strict=True)
    ):
        page.fail(sent, f"two rows, each with its reason as text: {wanted}", rows, done)


def test_how_far_it_is(board: Callable[..., Board], rng: Random) -> None:
    """e: with the real API, the bar of a large file moves."""
    page = board().live().go()
    page.look(f"({OFFER})({json.dumps(f'large{rng.randint(100, 999)}.txt')})")
    moved = lambda: [one for one in page.look("window.bars") or [] if 0 < float(one) <= 1]  # noqa: E731
    cause = "`sendFile` calls back with a number from 0 to 1: that is the value of `row.bar`"
    page.must(
        "an upload of 2 MB", "a bar that moves", moved, lambda: page.look("window.bars"), cause
    )


def test_buttons(board: Callable[..., Board], rng: Random) -> None:
    """h, i: each button sends its request, and a refusal is told in the API's words."""
    active = view(rng, "processing", step="embed", percent=50)
    dead = view(rng, "failed")
    page = board(active, dead, view(rng)).go()
    page.run(1.5)
    check_button(page, rng, active, "Cancel", f"/jobs/{active['job_id']}/cancel")
    check_button(page, rng, dead, "Replay", f"/dead-letters/{dead['job_id']}/replay")


def check_button(page: Board, rng: Random, job: View, word: str, place: str) -> None:
    reason = f"It is too late by {rng.randint(10, 99)} s."
    page.answers["POST", place] = 409, {"type": "job_conflict", "detail": reason, "status": "x"}
    button = page.card(name_of(job)).get_by_role("button", name=f"{word} {name_of(job)}")
    page.must(
        "the page", f"a button {word}", lambda: button.count() == 1, lambda: "none", "see 7.1"
    )
    before = len(page.asked)
    button.click()
    sent = f"the button {word}"

    def posts() -> list[str]:
        return [one.path for one in page.asked[before:] if one.method == "POST"]

    cause = "`cancel` is `POST /jobs/{id}/cancel`, `replay` is `POST /dead-letters/{id}/replay`"
    page.must(sent, f"POST {place}", posts, posts, cause)
    if posts() != [place]:
        page.fail(sent, f"POST {place}, once", posts(), cause)
    alert = page.page.get_by_role("alert").filter(has_text=reason)
    shown = lambda: alert.count() and alert.first.is_visible()  # noqa: E731
    cause = "let the `Problem` through: the page shows its message"
    page.must(
        f"{sent}, where the API answers 409", f"an alert: {reason}", shown, lambda: "none", cause
    )


def test_cancelled_at_once(board: Callable[..., Board], rng: Random) -> None:
    """h: the answer of the API is the job as it is then, and the page takes it in."""
    job = view(rng)
    page = board(job).go()
    page.run(1.5)
    after = {
        **job,
        "status": "cancelled",
        "revision": 9,
        "error": {"type": "x", "message": "Gone."},
    }
    page.answers["POST", f"/jobs/{job['job_id']}/cancel"] = 200, after
    page.held = None
    card = page.card(name_of(job))
    page.until(lambda: card.count() == 1)
    page.answers["GET", "/jobs"] = 503, {"detail": "away"}
    card.get_by_role("button", name=f"Cancel {name_of(job)}").click()
    there = lambda: "Gone." in page.text(card)  # noqa: E731
    cause = "`perform` returns the answer: it shows the job as it is now"
    sent = "Cancel, answered with the job as it is then"
    page.must(sent, "the card as the answer says", there, lambda: page.text(card), cause)


def hit(rng: Random, mark: str) -> dict[str, Any]:
    number = rng.randint(100, 999)
    return {
        "document_id": "1",
        "filename": f"<i>{mark}</i>{number}.pdf",
        "page": rng.randint(2, 98),
        "text": f"<img src=x onerror=alert(1)> {mark} lit the lamp {number} &lt;times&gt;.",
        "score": 0.5,
    }


def test_search(board: Callable[..., Board], rng: Random) -> None:
    """j, k: document, page and passage of each hit, best first, as text; a new search replaces them."""
    page = board().go()
    for round_, count in (("first", 3), ("second", 2), ("third", 0)):
        hits = [hit(rng, round_) for _ in range(count)]
        page.answers["GET", "/search"] = 200, {"query": "q", "results": hits}
        field = page.page.get_by_role("searchbox")
        field.fill(f"{round_} question")
        field.press("Enter")
        check_hits(page, hits, f"the {round_} search, which finds {count}")


def check_hits(page: Board, hits: list[dict[str, Any]], sent: str) -> None:
    found = page.page.get_by_role("list", name="Search results")
    items = found.locator(":scope > *")

    def shown() -> list[str]:
        return [" ".join(str(one).split()) for one in items.all_inner_texts()]

    def right() -> bool:
        texts = shown()
        return len(texts) == len(hits) and all(
            all(word in text for word in (one["filename"], f"page {one['page']}", one["text"]))
            for one, text in zip(hits, texts, strict=True)
        )

    wanted = [f"{one['filename']}, page {one['page']}" for one in hits]
    cause = "replace what is in the list, best first, and set `textContent`: never markup"
    expected = f"{wanted}, each with its passage" if hits else "an empty list"
    page.must(sent, expected, right, shown, cause)
    markup = "list => list.querySelectorAll('img, i, script').length"
    if hits and page.look_at("list", "Search results", markup) != 0:
        page.fail(sent, "text", "elements made of a name or a passage", cause)


def test_numbers(board: Callable[..., Board], rng: Random) -> None:
    """l: the total, then each state, the number before the word; `+` if there are more. And once more."""
    page = board().go_beside("stats.js")
    for complete in rng.sample([True, False], 2):
        check_numbers(page, rng, complete)


def check_numbers(page: Board, rng: Random, complete: bool) -> None:
    states = ("pending", "processing", "completed", "failed", "cancelled")
    by_status = {state: rng.randint(0, 900) for state in rng.sample(states, 5)}
    total = sum(by_status.values())
    plus = "" if complete else "+"
    wanted = [f"{total}{plus} total", *(f"{by_status[state]}{plus} {state}" for state in states)]
    stats = {"total": total, "by_status": by_status, "complete": complete}
    page.call(NUMBERS, {**stats, "as_of": "2026-01-01T00:00:00Z"})
    got = page.look(SHOWN)
    if got != wanted:
        cause = "an item for each row, the number before the word, and `+` behind each if not `complete`"
        sent = f"showStats() of counts that are {'complete' if complete else 'not complete'}"
        page.fail(sent, f"{wanted}", got, cause)
