"""7.3: the page goes live, polls while the stream is down, and comes back.

Promises checked here, by their letters in the TODOs: a, b and c (`follow`), d and e (`switching`).

What a submission could fake:
- counts: requests are counted by the browser's log, and not by the page.
- witness: the page's words count only together with the card of a job that the grader has written.
- place: the order of events is random.
- store: only the page and its requests count.
- probe: functions can notice that they are called beside the page. The real API and a real outage of
  Redis follow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest

from autograder.sdk import Run
from autograder.sdk.jobs_table import moment
from autograder.week07_dashboard.board import Board, view
from autograder.week07_dashboard.changes import Changes, row

pytestmark = pytest.mark.item("7.3")

FOLLOW = """async (happens) => {
  const { follow } = await import("/dashboard/live.js");
  const { CONNECTING, OPEN, CLOSED } = EventSource;
  const source = Object.assign(new EventTarget(), { CONNECTING, OPEN, CLOSED }), calls = [];
  source.readyState = EventSource.CONNECTING;
  source.close = () => calls.push("close");
  const on = Object.fromEntries(["up", "down", "again"].map((name) => [name, () => calls.push(name)]));
  follow(source, on);
  const said = [calls.splice(0).join(" ")];
  for (const what of happens) {
    source.readyState = { open: EventSource.OPEN, error: EventSource.CONNECTING }[what] ?? EventSource.CLOSED;
    const event = new Event(what === "open" ? "open" : "error");
    source[`on${event.type}`]?.(event);
    source.dispatchEvent(event);
    said.push(calls.splice(0).sort().join(" "));
  }
  return said;
}"""
SWITCHING = """async (happens) => {
  const { switching } = await import("/dashboard/live.js");
  const calls = [];
  const polling = { start: () => calls.push("start"), stop: () => calls.push("stop"), now: () => {} };
  const on = switching(polling, (mode) => calls.push(`mode ${mode}`));
  const said = [calls.splice(0).join(" ")];
  for (const what of happens) {
    on[what]();
    await new Promise((go) => setTimeout(go, 0));
    said.push(calls.splice(0).sort().join(", "));
  }
  return said;
}"""
EXPECTED = {"open": "up", "error": "down", "closed": "again down"}
MODES = {"up": "mode live, stop", "down": "mode polling, start"}
CAUSES = {
    "open": "`open` comes at first and each time the stream is back: call `up` each time",
    "error": "call `down` at each `error`, and neither close nor open: the browser connects again by itself",
    "closed": "`readyState` is CLOSED, so the browser has given up: call `down` and `again`",
}


def test_the_functions(board: Callable[..., Board], rng: Random) -> None:
    """a, b, c, d, e: what `follow` does at each event; polling stops while the stream is open."""
    page = board().with_stream().go_beside("live.js")
    check_following(page, rng)
    check_switching(page, rng)


def check_following(page: Board, rng: Random) -> None:
    """What becomes of each event of an `EventSource`, also the second time."""
    happens = ["open", "error", "open", "error", "error", "open", "closed"]
    happens += rng.sample(happens, 3)
    said = page.call(FOLLOW, happens)
    compare(page, "follow", happens, said, EXPECTED, CAUSES)


def check_switching(page: Board, rng: Random) -> None:
    """Polling stops while the stream is open, and starts when it breaks."""
    happens = ["down", "up", "down", "up", *rng.choices(["down", "up"], k=3)]
    said = page.call(SWITCHING, happens)
    causes = {
        "up": "`up` stops polling and shows `live`: nobody needs both",
        "down": "`down` shows `polling` and starts polling at once, without a timer",
    }
    compare(page, "switching", happens, said, MODES, causes)


def compare(
    page: Board,
    name: str,
    happens: list[str],
    said: Any,
    wanted: dict[str, str],
    causes: dict[str, str],
) -> None:
    expected = ["", *(wanted[one] for one in happens)]
    if said == expected:
        return
    said = said if isinstance(said, list) else [said]
    at = next((n for n, one in enumerate(expected) if said[n : n + 1] != [one]), 0)
    what = happens[at - 1] if at else "nothing yet"
    page.fail(
        f"{name}: {', '.join(happens[:at]) or 'nothing yet'}",
        f"at the last of these: {expected[at] or 'no call'}",
        f"{(said[at] or 'no call') if at < len(said) else 'no answer'}",
        causes.get(what, "nothing has happened yet, so nothing is called"),
    )


def test_the_page(board: Callable[..., Board], changes: Changes, run: Run, rng: Random) -> None:
    """All of it, with the real API: live, cut off, polling, live again, and nothing is missed."""
    first = newest(rng)
    changes.table.put(first)
    page = board().live().go()
    sent = "the page, while GET /events is open"
    mode = page.connection
    cause = "when the stream opens, `up` is called, which shows `live`"
    page.must(sent, "the status Live", lambda: mode().startswith("Live"), mode, cause)
    second = newest(rng)
    changes.write(second)
    check_card(page, second, "a job that is new, while the page is live")
    missed = newest(rng)
    with run.redis_outage():  # the API hears of no changes, so it ends the stream and opens none
        sent = "the stream breaks, and cannot be opened for a moment"
        cause = "when the stream breaks, `down` is called, which shows `polling`"
        page.must(sent, "the status Polling", lambda: mode().startswith("Polling"), mode, cause)
        changes.table.put(missed)
    sent = "the stream can be opened again"
    cause = "the browser has given up after the 503: call `again`"
    page.must(sent, "the status Live", partial(live_later, page), mode, cause)
    check_card(page, missed, "a job that was written while the stream was down")
    page.settle()
    before = page.count("GET", "/jobs")
    page.run(4)
    if polled := page.count("GET", "/jobs") - before:
        cause = "`up` stops polling each time, not only the first time"
        page.fail("a page that is live again", "no polling beside the stream", f"{polled}", cause)


def newest(rng: Random) -> dict[str, Any]:
    """A job that was created just now: the page drops its oldest cards, and other items made many."""
    return row(rng, created_at=moment(0))


def live_later(page: Board) -> bool:
    """Whether the page is live, after half a second of its time."""
    page.page.clock.run_for(500)
    return page.connection().startswith("Live")


def check_card(page: Board, item: dict[str, Any], sent: str) -> None:
    name = item["document"]["filename"]
    there = lambda: page.card(name).count() == 1  # noqa: E731
    cause = "the stream's events reach the page only if it is open and followed"
    page.must(sent, f"an article {name!r}", there, lambda: "no such article", cause)


def test_polling_comes_first(board: Callable[..., Board], rng: Random) -> None:
    """e: a page whose stream never opens polls at once."""
    job = view(rng)
    page = board(job).with_stream().go()
    page.settle()
    sent = "a page whose stream is refused with 503"
    polled = lambda: page.count("GET", "/jobs")  # noqa: E731
    cause = "`down` starts polling at once: the page has nothing to show until then"
    page.must(sent, "a request for the jobs", polled, lambda: "none", cause)
